import { AsyncLocalStorage } from 'node:async_hooks';

/** What every line of the log says that is written while a request is answered. */
export interface RequestContext {
  /** As in `X-Request-Id`. */
  readonly requestId: string;
  /** Of the caller's trace; left out where the caller told none. Named as OpenTelemetry names it in logs. */
  readonly trace_id?: string;
}

/** What every line of the log says that recurring work writes. */
export interface JobContext {
  /** As in the metrics: `refresh.sweep`. */
  readonly job: string;
}

/** What a line of the log is found by. */
export type LogContext = RequestContext | JobContext;

const contexts = new AsyncLocalStorage<LogContext>();

/** Runs what answers a request or is due by itself; all lines that it writes, also after a wait, have the context. */
export const withLogContext = <Result>(context: LogContext, run: () => Result): Result =>
  contexts.run(context, run);

/** For the logger. Empty outside of requests and recurring work. */
export const currentLogContext = (): LogContext | Record<string, never> => contexts.getStore() ?? {};

const TRACE_PARENT = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?$/;
const NO_TRACE = '0'.repeat(32);

/** The trace's id of a `traceparent` header; `undefined` for one that is not valid. @see W3C Trace Context section 3.2 */
export const traceIdOf = (traceparent: string | undefined): string | undefined => {
  const traceId = traceparent === undefined ? undefined : TRACE_PARENT.exec(traceparent)?.[1];
  return traceId === NO_TRACE ? undefined : traceId;
};
