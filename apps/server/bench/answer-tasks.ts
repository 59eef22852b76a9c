/** What a process of a benchmark can be asked to do, by name. Arguments and results are JSON. */
export type Tasks = Readonly<Record<string, (argument: never) => unknown>>;

interface Request {
  readonly id: number;
  readonly task: string;
  readonly argument: unknown;
}

/** Does over IPC what the parent asks, says that it is ready, and ends this process when the parent is gone. */
export const answerTasks = (tasks: Tasks): void => {
  process.on('disconnect', () => process.exit(0));
  process.on('message', async ({ id, task, argument }: Request) => {
    try {
      const result = await tasks[task]?.(argument as never);
      process.send?.({ id, result });
    } catch (error) {
      process.send?.({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  });
  process.send?.({ id: 0 });
};
