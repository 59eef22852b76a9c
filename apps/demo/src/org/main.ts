import { type OrgOptions, startOrg } from './index.js';

const DEFAULT_REDIRECT_URIS =
  'http://localhost:4600/connect/callback,http://authpipe.localhost:4600/connect/callback';

/** Fixed on purpose: the demo's Authpipe must know it, and it opens nothing but a sandbox. */
const DEFAULT_CLIENT_SECRET = 'sandbox-secret-not-for-production';

/** Starts the org as the demo and `npx` users do: everything from the environment. */
async function main(environment: NodeJS.ProcessEnv): Promise<void> {
  const options = readOptions(environment);
  const org = await startOrg(options).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'EADDRINUSE' ? new RangeError(portTaken(options.port)) : error;
  });
  let closing = false;
  const close = () => {
    // Ctrl-C arrives twice: from the terminal and from the parent.
    if (closing) return;
    closing = true;
    void org.close().then(() => process.exit(0));
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, close);
  if (process.channel) process.on('disconnect', close);

  console.log(`Sandbox Okta org ready: ${org.url} (control page: ${org.url}/control)`);
}

function readOptions(environment: NodeJS.ProcessEnv): OrgOptions {
  const redirectUris = (environment.AUTHPIPE_DEMO_REDIRECT_URIS ?? DEFAULT_REDIRECT_URIS)
    .split(',')
    .map((uri) => uri.trim())
    .filter(Boolean);
  return {
    port: wholeNumber(environment, 'AUTHPIPE_DEMO_ORG_PORT', 4601),
    accessTokenLifetimeSeconds: wholeNumber(environment, 'AUTHPIPE_DEMO_TOKEN_SECONDS', 3600),
    clients: [
      {
        clientId: environment.AUTHPIPE_DEMO_CLIENT_ID ?? '0oademoauthpipe',
        clientSecret: environment.AUTHPIPE_DEMO_CLIENT_SECRET ?? DEFAULT_CLIENT_SECRET,
        redirectUris,
      },
    ],
  };
}

function wholeNumber(environment: NodeJS.ProcessEnv, name: string, fallback: number): number {
  const text = environment[name];
  if (text === undefined || text === '') return fallback;
  if (/^\d+$/.test(text)) return Number(text);
  throw new RangeError(`${name} must be a whole number, not “${text}”.`);
}

function portTaken(port: number): string {
  return `Port ${port} is taken: stop what listens there, or set AUTHPIPE_DEMO_ORG_PORT to a free port.`;
}

main(process.env).catch((error: unknown) => {
  console.error(error instanceof RangeError ? error.message : error);
  process.exit(1);
});
