/** What `authpipe help` prints. */
export const HELP = `Usage: authpipe COMMAND

  serve          Start the server. Applies migrations first.
  migrate        Bring the database's schema up to date, and end.
  adopt          Make a copied or restored database this deployment's own.
  keys create    Make an API key. It is printed once.
  keys list      List API keys, never the keys themselves.
  keys revoke    Revoke an API key. It is refused within 5 seconds.
  webhooks replay  Send webhooks again.
  audit verify   Check that nothing in the audit was changed. Also: audit export, audit heads.
  help           Print this. Also: authpipe keys help, authpipe adopt --help, authpipe webhooks help,
                 authpipe audit help.
  --version      Print the version.

Settings are environment variables: DATABASE_URL, AUTHPIPE_URL, AUTHPIPE_ENCRYPTION_KEY and more. Each can be given as
NAME_FILE, the path of a file that holds the value. Without DATABASE_URL the embedded database in AUTHPIPE_DATA_DIR is
used, which one process may open at a time: to make keys while the server runs on it, stop the server, or let it have one
from the start with AUTHPIPE_API_KEY.
`;

/** What `authpipe keys help` prints. */
export const KEYS_HELP = `Usage: authpipe keys create --name NAME [options]
       authpipe keys list [--env ENVIRONMENT]
       authpipe keys revoke ID

Options of create:
  --name NAME              What the key is for, for people.
  --env ENVIRONMENT        live, test or any other lower-case word; test unless told.
  --scopes SCOPE,SCOPE     credentials:read, connections:read, connections:write, sessions:create,
                           integrations:write, admin (all); admin unless told.
  --tenant TENANT          Limits the key to one tenant.
  --expires-in-days DAYS   The key is refused from then on; never unless told.
`;

/** What `authpipe webhooks help` prints. */
export const WEBHOOKS_HELP = `Usage: authpipe webhooks replay ENDPOINT --event EVENT
       authpipe webhooks replay ENDPOINT --since TIME [--until TIME] [--undelivered]

Sends events again, each with the same webhook-id as before. ENDPOINT is whe_…, EVENT is evt_….

  --event EVENT    One event.
  --since TIME     All events since then, such as 2026-11-25T09:30:00Z.
  --until TIME     Those before then; until now, unless told.
  --undelivered    Only those that did not arrive.

With the embedded database, ask the server instead: POST /v1/webhook-endpoints/{id}/replay.
`;

/** What `authpipe audit help` prints. */
export const AUDIT_HELP = `Usage: authpipe audit verify [--env ENVIRONMENT] [--tenant TENANT] [--anchors FILE]
       authpipe audit verify --file FILE [--anchors FILE]
       authpipe audit heads [--env ENVIRONMENT] [--tenant TENANT]
       authpipe audit export --env ENVIRONMENT [--tenant TENANT]
       authpipe audit accept --env ENVIRONMENT [--tenant TENANT]

verify looks at every entry, names each that is not as the server wrote it, and ends with 1 if there is one. It needs the
root key (AUTHPIPE_ENCRYPTION_KEY).

  --anchors FILE   Lines of \`audit heads\` from earlier, kept elsewhere: they find a database that was put back.
  --file FILE      Checks what \`audit export\` printed, without database and key.

heads prints how far each chain goes, a line each: keep them where nobody writes who can write the database.
export prints the entries of a tenant, or without --tenant those of the product itself, as JSON lines.
accept goes on with a chain that somebody changed, once you have looked: servers leave it alone until then.

With the embedded database, ask the server instead: GET /v1/audit/verify and /v1/audit/export. For heads and accept, stop it.
`;

/** What `authpipe adopt --help` prints. */
export const ADOPT_HELP = `Usage: authpipe adopt --copy
       authpipe adopt --replace

For a server that says "Refresh is frozen". Exactly one of:

  --copy      This database is a copy, and the original lives on (a staging server on production's data). It becomes a
              deployment of its own. Connections that the original made are never refreshed or revoked from here: tokens
              are served until they expire, and connections are made anew.
  --replace   This database takes the original's place (a restored backup, a move), and the original is gone. The
              provider is asked about each connection before its first refresh.

The deployment's id is random with --copy, and stays with --replace, unless AUTHPIPE_DEPLOYMENT_ID names it.
`;
