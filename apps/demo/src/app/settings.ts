/** What the sample app reads from its environment. */
export interface AppSettings {
  readonly port: number;
  /** Where people open the app; its origin is the one that connect sessions allow. */
  readonly publicUrl: URL;
  /** Where the app's backend reaches Authpipe. */
  readonly authpipeUrl: string;
  /** Where browsers reach it; the same, unless the backend goes another way than they do. */
  readonly authpipePublicUrl: string;
  readonly authpipeApiKey: string;
  /** The app's OAuth client at Okta. */
  readonly okta: { readonly domain: string; readonly clientId: string; readonly clientSecret: string };
}

/**
 * Reads the settings. The defaults fit the demo's sandbox org.
 * @throws Error that names the variable and says what to put there.
 */
export function readSettings(environment: NodeJS.ProcessEnv): AppSettings {
  const port = readPort(environment, 'AUTHPIPE_DEMO_APP_PORT', 4602);
  const orgPort = readPort(environment, 'AUTHPIPE_DEMO_ORG_PORT', 4601);
  const authpipeApiKey = environment.AUTHPIPE_API_KEY;
  if (!authpipeApiKey) {
    throw new Error('Set AUTHPIPE_API_KEY to an API key of your Authpipe server: `authpipe keys create`.');
  }
  const authpipeUrl = readUrl(environment, 'AUTHPIPE_URL', 'http://localhost:4600').href;
  return {
    port,
    publicUrl: readUrl(environment, 'AUTHPIPE_DEMO_APP_URL', `http://localhost:${port}`),
    authpipeUrl,
    authpipePublicUrl: readUrl(environment, 'AUTHPIPE_DEMO_AUTHPIPE_PUBLIC_URL', authpipeUrl).href,
    authpipeApiKey,
    okta: {
      domain: `localhost:${orgPort}`,
      clientId: environment.AUTHPIPE_DEMO_CLIENT_ID || '0oademoauthpipe',
      clientSecret: environment.AUTHPIPE_DEMO_CLIENT_SECRET || 'sandbox-secret-not-for-production',
    },
  };
}

function readPort(environment: NodeJS.ProcessEnv, name: string, standard: number): number {
  const port = Number(environment[name] || standard);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new Error(`Set ${name} to a port number.`);
  return port;
}

function readUrl(environment: NodeJS.ProcessEnv, name: string, standard: string): URL {
  const value = environment[name] || standard;
  if (!URL.canParse(value)) throw new Error(`Set ${name} to a URL, such as ${standard}.`);
  return new URL(value);
}
