// The sample app's process: `node dist/app.js`.
import { fileURLToPath } from 'node:url';
import { Authpipe } from '@authpipe/node';
import { prepareAuthpipe } from './prepare-authpipe.js';
import { type RunningApp, startApp } from './server.js';
import { readSettings } from './settings.js';

const stopping = new AbortController();
let running: RunningApp | undefined;

/** Signals arrive twice on Ctrl-C, and a parent that goes away closes the channel too: the first one counts. */
const stop = (): void => {
  if (stopping.signal.aborted) return;
  stopping.abort();
  void Promise.resolve(running?.close()).then(() => process.exit(0));
};
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
process.on('disconnect', stop);

try {
  const settings = readSettings(process.env);
  const authpipe = new Authpipe({ apiKey: settings.authpipeApiKey, baseUrl: settings.authpipeUrl });
  await prepareAuthpipe(authpipe, settings, stopping.signal);
  running = await startApp({
    ...settings,
    authpipe,
    webFolder: fileURLToPath(new URL('./app', import.meta.url)),
  });
  console.log(`Sample app ready: ${settings.publicUrl.origin}`);
} catch (error) {
  if (!stopping.signal.aborted) {
    console.error(
      `The sample app could not start: ${error instanceof Error ? error.message : String(error)}`,
    );
    process.exit(1);
  }
}
