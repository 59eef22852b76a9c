// The simplest thing that could refresh tokens, as a process of its own: a loop of token requests whose answers are kept
// in memory. It claims nothing, seals nothing and writes nothing down.
import { randomBytes } from 'node:crypto';
import { answerTasks } from './answer-tasks.js';

const authorization = `Basic ${Buffer.from('bench:bench').toString('base64')}`;
let refreshTokens: string[] = [];

const refresh = async (url: string, index: number): Promise<void> => {
  const response = await fetch(url, {
    method: 'POST',
    headers: { authorization, accept: 'application/json' },
    body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: refreshTokens[index] ?? '' }),
  });
  const { refresh_token: next } = (await response.json()) as { refresh_token: string };
  refreshTokens[index] = next;
};

answerTasks({
  prepare: (connections: number) => {
    refreshTokens = Array.from({ length: connections }, () => randomBytes(24).toString('base64url'));
  },
  /** Refreshes each once, so many at a time. */
  run: async ({ url, concurrency }: { url: string; concurrency: number }) => {
    let next = 0;
    const worker = async () => {
      while (next < refreshTokens.length) {
        next += 1;
        await refresh(url, next - 1);
      }
    };
    await Promise.all(Array.from({ length: concurrency }, worker));
  },
  cpuMillis: () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  },
});
