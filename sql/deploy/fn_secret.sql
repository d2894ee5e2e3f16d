-- For:     the ingest-only secret: from Vault where there is one, else from
--          the config row. The references to vault are planned only when run.
-- Params:  run as a script.
-- Returns: nothing.
-- Source:  docs/spec.md, capture 7.
create or replace function skene_growth.ingest_secret()
returns text language plpgsql stable security definer
set search_path = pg_catalog, pg_temp as $fn$
declare
    found_secret text;
begin
    if to_regclass('vault.decrypted_secrets') is not null then
        select d.decrypted_secret into found_secret
        from vault.decrypted_secrets d where d.name = 'skene_proxy_secret';
    end if;
    if found_secret is null then
        select c.ingest_secret into found_secret from skene_growth.config c;
    end if;
    return found_secret;
end $fn$;
revoke all on function skene_growth.ingest_secret() from public;
