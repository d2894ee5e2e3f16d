// The read-only log page: counts, features, decisions over SSE, inbox.
'use strict';

const MAX_ROWS = 500;
const POLL_MS = 4000;
const tone = {
  entered: 'good', completed: 'good', advanced: 'go',
  quiet_deferred: 'wait', capped: 'wait', suppressed: 'wait',
  holdout: 'wait', paused: 'wait', error: 'bad',
};
const labels = {
  events: 'events', queued: 'waiting', decisions: 'decisions',
  runs_active: 'runs under way', actions_pending: 'actions due',
  actions_succeeded: 'actions done', actions_failed: 'failed',
  actions_skipped: 'skipped', mails: 'mails', tracks: 'analytics',
};
const $ = (id) => document.getElementById(id);
let paused = false;
let held = [];

// The token came by the link; the cookie has it now.
if (location.search) history.replaceState(null, '', '/');

function cell(text, name) {
  const td = document.createElement('td');
  td.textContent = text ?? '';
  if (name) td.className = name;
  return td;
}

function chip(text, name) {
  const td = document.createElement('td');
  const span = document.createElement('span');
  span.className = 'chip ' + (name || 'quiet');
  span.textContent = text;
  td.append(span);
  return td;
}

function row(...cells) {
  const tr = document.createElement('tr');
  tr.append(...cells);
  return tr;
}

const clock = (iso) => (iso ? new Date(iso).toLocaleTimeString() : '');

function link(state, text) {
  $('link').className = state;
  $('link-text').textContent = text;
}

function show(id, list, make) {
  $(id).replaceChildren(...list.map(make));
  $('no-' + id).hidden = list.length > 0;
}

async function get(path) {
  const r = await fetch(path, { headers: { accept: 'application/json' } });
  if (!r.ok) throw new Error(path + ' answered ' + r.status);
  return r.json();
}

const statusTone = { active: 'good', paused: 'wait', archived: 'quiet' };

async function refresh() {
  try {
    const [counts, features, inbox] = await Promise.all([
      get('/api/v1/counts'), get('/api/v1/features'),
      get('/api/v1/inbox?limit=20')]);
    $('counts').replaceChildren(...Object.entries(labels).map(([k, label]) => {
      const div = document.createElement('div');
      const dt = document.createElement('dt');
      const dd = document.createElement('dd');
      dt.textContent = label;
      dd.textContent = (counts[k] ?? 0).toLocaleString();
      div.append(dt, dd);
      return div;
    }));
    show('features', features.data, (f) => row(cell(f.name || f.key),
      chip(f.status, statusTone[f.status]), cell(f.source), cell(f.stage),
      cell(f.version, 'num')));
    show('inbox', inbox.data, (m) => row(cell(clock(m.at), 'time'),
      cell(m.to), cell(m.subject)));
  } catch (e) {
    link('bad', 'not reachable: ' + e.message + '; trying again');
  }
}

function add(d) {
  if (document.getElementById('d-' + d.id)) return;
  const tr = row(cell(clock(d.at), 'time'), chip(d.verdict, tone[d.verdict]),
    cell(d.feature), cell(d.subject), cell(d.event_id || 'timer', 'quiet'));
  tr.id = 'd-' + d.id;
  $('log').prepend(tr);
  while ($('log').rows.length > MAX_ROWS) $('log').lastElementChild.remove();
  $('no-log').hidden = true;
}

function decide(d) {
  if (!paused) return add(d);
  held.push(d);
  if (held.length > MAX_ROWS) held.shift();
  $('missed').textContent = held.length + ' new';
}

$('pause').addEventListener('click', () => {
  paused = !paused;
  $('pause').setAttribute('aria-pressed', String(paused));
  $('pause').textContent = paused ? 'Go on' : 'Pause';
  if (!paused) {
    held.forEach(add);
    held = [];
    $('missed').textContent = '';
  }
});

async function start() {
  let last = '';
  try {
    const page = await get('/api/v1/decisions?limit=50');
    page.data.reverse().forEach(add);
    $('no-log').hidden = page.data.length > 0;
    last = page.data.length ? page.data[page.data.length - 1].id : '';
  } catch (e) {
    link('bad', 'not reachable: ' + e.message);
  }
  const source = new EventSource('/api/v1/stream' + (last ? '?after=' + last : ''));
  source.onopen = () => link('good', 'live');
  source.onerror = () => link('bad', 'disconnected; missed lines come back on reconnect');
  source.addEventListener('decision', (e) => decide(JSON.parse(e.data)));
  refresh();
  setInterval(refresh, POLL_MS);
}

start();
