// `npm run demo -- --check`: walks the main job through the running demo, a line per step, and exits 0 or 1.
import { CheckFailure, createStepReport } from './step-report.js';
import { walkMainJob } from './walk-main-job.js';

const setting = (name: string): string => {
  const value = process.env[name];
  if (!value) throw new CheckFailure(`Set ${name}; \`npm run demo -- --check\` does.`);
  return value;
};

try {
  console.log('Checking the main job over HTTP:');
  await walkMainJob({
    authpipeUrl: setting('AUTHPIPE_URL'),
    appUrl: setting('AUTHPIPE_DEMO_APP_URL'),
    orgUrl: setting('AUTHPIPE_DEMO_ORG_URL'),
    apiKey: setting('AUTHPIPE_API_KEY'),
    startedAt: Number(setting('AUTHPIPE_DEMO_STARTED_AT')),
    report: createStepReport(console.log),
  });
  console.log('All steps passed.');
} catch (error) {
  console.error(error instanceof CheckFailure ? `Failed: ${error.message}.` : error);
  process.exitCode = 1;
}
