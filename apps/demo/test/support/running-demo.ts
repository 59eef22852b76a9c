import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Authpipe } from '@authpipe/node';
import { prepareAuthpipe } from '../../src/app/prepare-authpipe.js';
import { startApp } from '../../src/app/server.js';
import { freePort } from '../../src/free-port.js';
import { type Org, type RotationMode, startOrg } from '../../src/org/index.js';
import { builtPage } from './built-page.js';
import { type ServerProcess, type ServerSettings, startServerProcess } from './server-process.js';
import { startWiretap, type Wiretap } from './wiretap.js';

export interface DemoOptions {
  /** A database on a real Postgres; the embedded one when left out. */
  readonly databaseUrl?: string;
  /** Three hosts instead of three ports of one, as real users' browsers see it. Node can't resolve them. */
  readonly ownHosts?: boolean;
  /** Default 3600, as at Okta. */
  readonly accessTokenLifetimeSeconds?: number;
  readonly rotation?: RotationMode;
  /** Default 3600: nothing is probed while a test looks at something else. */
  readonly probeIntervalSeconds?: number;
}

/** The whole product at work: server, org, sample app. */
export interface RunningDemo {
  /** Where people's browsers find Authpipe. */
  readonly authpipeUrl: string;
  readonly appUrl: string;
  readonly org: Org;
  /** Everything that went to the org and back. */
  readonly orgTraffic: Wiretap;
  readonly server: ServerProcess;
  readonly settings: ServerSettings;
  readonly clientSecret: string;
  readonly authpipe: Authpipe;
  /** Ends the server, runs `whileDown`, and starts it again. */
  restart(whileDown?: () => Promise<void>): Promise<void>;
  close(): Promise<void>;
}

const newSecret = () => randomBytes(32).toString('base64url');

/** Starts all of it, ready to be walked through. */
export async function startDemo(options: DemoOptions = {}): Promise<RunningDemo> {
  const closers: (() => Promise<void> | void)[] = [];
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    return await startParts(options, closers, close);
  } catch (error) {
    await close();
    throw error;
  }
}

async function startParts(
  options: DemoOptions,
  closers: (() => Promise<void> | void)[],
  close: () => Promise<void>,
): Promise<RunningDemo> {
  const [authpipePort, orgPort, appPort] = [await freePort(), await freePort(), await freePort()];
  const host = (name: string) => (options.ownHosts ? `${name}.localhost` : 'localhost');
  const authpipeUrl = `http://${host('authpipe')}:${authpipePort}`;
  const appUrl = `http://${host('app')}:${appPort}`;
  const clientSecret = newSecret();

  const orgTraffic = await startWiretap({ targetPort: orgPort });
  closers.push(orgTraffic.close);
  const org = await startOrg({
    port: orgPort,
    issuer: `http://localhost:${orgTraffic.port}`,
    clients: [
      {
        clientId: '0oademo',
        clientSecret,
        redirectUris: [`${authpipeUrl}/connect/callback`],
        name: 'Crewdesk',
      },
    ],
    accessTokenLifetimeSeconds: options.accessTokenLifetimeSeconds ?? 3600,
    rotation: options.rotation ?? 'ROTATE',
  });
  closers.push(org.close);

  const dataDir = mkdtempSync(join(tmpdir(), 'authpipe-e2e-'));
  closers.push(() => rmSync(dataDir, { recursive: true, force: true }));
  const settings: ServerSettings = {
    port: authpipePort,
    publicUrl: authpipeUrl,
    dataDir,
    apiKey: `ap_test_${newSecret()}`,
    rootKey: randomBytes(32).toString('base64'),
    databaseUrl: options.databaseUrl,
    probeIntervalSeconds: options.probeIntervalSeconds ?? 3600,
  };
  let server = await startServerProcess(settings);
  closers.push(() => server.stop());

  const authpipe = new Authpipe({ apiKey: settings.apiKey, baseUrl: server.url });
  closers.push(() => authpipe.close());
  const okta = { domain: new URL(org.url).host, clientId: '0oademo', clientSecret };
  await prepareAuthpipe(authpipe, { authpipeUrl: server.url, okta }, new AbortController().signal);
  const app = await startApp({
    port: appPort,
    publicUrl: new URL(appUrl),
    authpipe,
    authpipePublicUrl: authpipeUrl,
    webFolder: await builtPage(),
  });
  closers.push(app.close);

  let printedBefore = '';
  const current: ServerProcess = {
    url: server.url,
    printed: () => printedBefore + server.printed(),
    moveClock: (seconds) => server.moveClock(seconds),
    stop: () => server.stop(),
  };
  return {
    ...{ authpipeUrl, appUrl, org, orgTraffic, settings, clientSecret, authpipe, close, server: current },
    async restart(whileDown) {
      await server.stop();
      printedBefore += server.printed();
      await whileDown?.();
      server = await startServerProcess(settings);
    },
  };
}
