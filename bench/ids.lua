-- wrk: one-record bodies, each with an id of its own.
local threads = 0
function setup(thread)
   thread:set("number", threads)
   threads = threads + 1
end
function init(args)
   secret = args[1]
   base = tonumber(args[2]) + number * 100000000
   next_id = 0
   wrk.method = "POST"
   wrk.headers["content-type"] = "application/json"
   wrk.headers["x-skene-secret"] = secret
end
function request()
   next_id = next_id + 1
   local id = base + next_id
   return wrk.format(nil, "/api/v1/cloud/ingest/db-trigger", nil,
      '{"type":"INSERT","table":"event_log","schema":"skene_growth","record":' ..
      '{"id":' .. id .. ',"entity_id":"u' .. id .. '","event_type":' ..
      '"auth.users.insert","metadata":{"id":"u' .. id .. '","email":"u' .. id ..
      '@example.com"},"occurred_at":"2026-11-24T09:00:00.123456Z"},' ..
      '"old_record":null}')
end
