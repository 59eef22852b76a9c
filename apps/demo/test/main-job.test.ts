import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { StepReport } from '../src/check/step-report.js';
import { walkMainJob } from '../src/check/walk-main-job.js';
import { describeDemoOnEachEngine } from './support/engines.js';
import type { RunningDemo } from './support/running-demo.js';

const STEPS = [
  'Connect as a person',
  'First credential',
  'The browser never saw it',
  'Cached read',
  'Call the org’s API with it',
  'Refresh, by schedule',
  'Revoke at the org; nobody asks',
  'A read says so',
  'Reconnect with the same button',
  'Delete',
];

describeDemoOnEachEngine('The main job', (start) => {
  let demo: RunningDemo;

  beforeAll(async () => {
    demo = await start({ accessTokenLifetimeSeconds: 10, probeIntervalSeconds: 2 });
  });
  afterAll(() => demo?.close());

  test('is walked by HTTP alone, from the button to the deletion, each step with what it should see', async () => {
    const passed: string[] = [];
    const report: StepReport = {
      async step(name, look) {
        const { value } = await look();
        passed.push(name);
        return value;
      },
    };
    const { server, appUrl, org, settings } = demo;
    await walkMainJob({
      authpipeUrl: server.url,
      appUrl,
      orgUrl: org.url,
      apiKey: settings.apiKey,
      startedAt: Date.now(),
      report,
    });
    expect(passed).toEqual(STEPS);
  });
});
