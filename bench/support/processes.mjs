// Processes of a benchmark, from `apps/server/bench`: each does over IPC what it is asked.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const serverFolder = join(import.meta.dirname, '..', '..', 'apps', 'server');

/** Starts processes with an environment that they share; `end` ends them all. */
export const createProcesses = ({ env }) => {
  const running = new Set();
  const profile = process.env.BENCH_PROFILE_FOLDER;

  const endOne = async (child) => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    if (child.connected) child.disconnect();
    await ended;
  };

  return {
    /** Resolves when it is ready. `BENCH_PROFILE_FOLDER` has it leave a CPU profile there. */
    async start(file, own = {}) {
      const args = [
        ...(profile
          ? ['--cpu-prof', `--cpu-prof-dir=${profile}`, `--cpu-prof-name=${file}-${Date.now()}.cpuprofile`]
          : []),
        ...['--expose-gc', '--conditions=authpipe:source', '--import', 'tsx', join('bench', file)],
      ];
      const child = spawn(process.execPath, args, {
        cwd: serverFolder,
        env: { ...env, ...own },
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      });
      running.add(child);
      const waiting = new Map();
      const settle = ({ id, result, error }) => {
        const { resolve, reject } = waiting.get(id);
        waiting.delete(id);
        if (error === undefined) resolve(result);
        else reject(new Error(`${file}: ${error}`));
      };
      child.on('message', settle);
      child.once('exit', (code) => {
        running.delete(child);
        for (const { reject } of waiting.values()) reject(new Error(`${file} ended (${code}): see above.`));
      });
      let requests = 0;
      await new Promise((resolve, reject) => waiting.set(0, { resolve, reject }));
      return {
        ask: (task, argument) =>
          new Promise((resolve, reject) => {
            requests += 1;
            waiting.set(requests, { resolve, reject });
            child.send({ id: requests, task, argument });
          }),
        end: () => endOne(child),
      };
    },
    async end() {
      await Promise.all([...running].map(endOne));
    },
  };
};
