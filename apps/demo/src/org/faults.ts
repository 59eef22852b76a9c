import type { RequestHandler, Response } from 'express';
import { apiError } from './api-error.js';
import type { OrgClock } from './clock.js';
import type { OrgCounters } from './counters.js';
import { rateLimitHeaders } from './rate-limit.js';
import { REFRESH_TOKEN_INVALID } from './token-errors.js';

/**
 * What a call meets instead of its answer:
 * - `rate_limit`: 429 as Okta words it, which on the token endpoint is an `invalid_grant` that is no dead grant;
 * - `server_error`: 500;
 * - `hang`: no answer for `hangMillis`, or until released where that is left out; then the call goes on as usual;
 * - `drop`: the connection is closed before the org looks at the call;
 * - `drop_answer`: the org does what was asked (a refresh token is rotated, say), but the answer is lost;
 * - `deny`: it calls every token dead that is alive, as a provider may that has lost its own database: 401 at the API and at
 *   userinfo, inactive at introspection, `invalid_grant` for a refresh token. The tokens are as good as before.
 */
export type FaultKind = 'rate_limit' | 'server_error' | 'hang' | 'drop' | 'drop_answer' | 'deny';

export const FAULT_KINDS: readonly FaultKind[] = [
  'rate_limit',
  'server_error',
  'hang',
  'drop',
  'drop_answer',
  'deny',
];

export interface Fault {
  kind: FaultKind;
  /** How many calls meet it. Default 1. */
  times?: number;
  /** The path it waits on, and everything below it; `/` is every call. Default `/oauth2/v1/token`. */
  path?: string;
  /** For `hang`: how long. Left out: until `releaseHung`. */
  hangMillis?: number;
}

export interface PendingFault {
  kind: FaultKind;
  path: string;
  remaining: number;
  hangMillis?: number;
}

export const TOKEN_PATH = '/oauth2/v1/token';

/** Okta's words on a throttled token request. It comes as `invalid_grant`, with status 429. */
export const TOKEN_RATE_LIMIT_TEXT = 'API call exceeded rate limit due to too many requests.';

/** The faults still to come, oldest first, and the calls that hang on one. */
export class FaultQueue {
  #pending: PendingFault[] = [];
  readonly #hung = new Set<() => void>();

  /** Throws `RangeError` with what to give instead, where the fault can't be. */
  add({ kind, times = 1, path = TOKEN_PATH, hangMillis }: Fault): void {
    if (!FAULT_KINDS.includes(kind)) throw new RangeError(`kind must be one of ${FAULT_KINDS.join(', ')}.`);
    if (!Number.isSafeInteger(times) || times < 1)
      throw new RangeError('times must be a whole number, 1 or more.');
    if (!path.startsWith('/')) throw new RangeError('path must start with a slash, as in /oauth2/v1/token.');
    if (hangMillis !== undefined && !(hangMillis >= 0)) {
      throw new RangeError('hangMillis must be a number of milliseconds, 0 or more.');
    }
    this.#pending.push({ kind, path, remaining: times, ...(hangMillis === undefined ? {} : { hangMillis }) });
  }

  list(): PendingFault[] {
    return this.#pending.map((fault) => ({ ...fault }));
  }

  /** How many calls are hanging now. */
  hungCount(): number {
    return this.#hung.size;
  }

  /** The fault that a call to this path meets, which is thereby one call nearer to its end. */
  take(path: string): PendingFault | undefined {
    const fault = this.#pending.find(
      (one) => path === one.path || path.startsWith(`${one.path.replace(/\/$/, '')}/`),
    );
    if (!fault) return undefined;
    fault.remaining -= 1;
    this.#pending = this.#pending.filter((one) => one.remaining > 0);
    return fault;
  }

  /** Waits out a hanging call: until the time is up or it is released. */
  async hang(hangMillis: number | undefined, signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = hangMillis === undefined ? undefined : setTimeout(() => release(), hangMillis);
      const release = () => {
        clearTimeout(timer);
        this.#hung.delete(release);
        resolve();
      };
      this.#hung.add(release);
      signal.addEventListener('abort', release, { once: true });
    });
  }

  /** Lets every hanging call go on. Returns how many there were. */
  release(): number {
    const count = this.#hung.size;
    for (const release of [...this.#hung]) release();
    return count;
  }

  /** Forgets the faults to come and lets hanging calls go on. */
  clear(): void {
    this.#pending = [];
    this.release();
  }
}

/** What meeting a fault needs of the org. */
export interface FaultContext {
  readonly faults: FaultQueue;
  readonly counters: OrgCounters;
  readonly clock: OrgClock;
  readonly journal: { noteFault(res: Response, fault: FaultKind): void };
}

/** Puts the queue in front of the org's endpoints. */
export function meetFaults({ faults, counters, clock, journal }: FaultContext): RequestHandler {
  return async (req, res, next) => {
    const fault = faults.take(req.path);
    if (!fault) return next();
    counters.faultsServed += 1;
    journal.noteFault(res, fault.kind);
    switch (fault.kind) {
      case 'rate_limit':
        return answerThrottled(req.path, res, clock.nowMillis());
      case 'server_error':
        return void res.status(500).json(serverError(req.path));
      case 'drop':
        return void req.socket.destroy();
      case 'deny':
        return deny(req.path, res, next);
      case 'drop_answer':
        loseAnswer(res);
        return next();
      case 'hang': {
        const gone = new AbortController();
        res.once('close', () => gone.abort());
        await faults.hang(fault.hangMillis, gone.signal);
        // Nobody is waiting any more: a call that was given up must not take effect later.
        if (!gone.signal.aborted) next();
      }
    }
  };
}

function answerThrottled(path: string, res: Response, nowMillis: number): void {
  res.status(429).set(rateLimitHeaders({ limit: 4, remaining: 0, resetMillis: nowMillis + 1000 }));
  res.json(
    path.startsWith('/oauth2/')
      ? { error: 'invalid_grant', error_description: TOKEN_RATE_LIMIT_TEXT }
      : apiError('E0000047'),
  );
}

function deny(path: string, res: Response, next: () => void): void {
  if (path === TOKEN_PATH) {
    res.status(400).json({ error: 'invalid_grant', error_description: REFRESH_TOKEN_INVALID });
  } else if (path === '/oauth2/v1/introspect') res.json({ active: false });
  else if (path.startsWith('/api/v1/')) res.status(401).json(apiError('E0000011'));
  else if (path === '/oauth2/v1/userinfo') res.status(401).json({ error: 'invalid_token' });
  else next();
}

function serverError(path: string): object {
  return path.startsWith('/oauth2/')
    ? {
        error: 'server_error',
        error_description: 'The authorization server encountered an unexpected condition.',
      }
    : apiError('E0000009');
}

/** The work is done; the connection closes at the first byte of the answer. */
function loseAnswer(res: Response): void {
  const lose = () => {
    res.socket?.destroy();
    return res;
  };
  Object.assign(res, { end: lose, write: lose, writeHead: lose, flushHeaders: lose });
}
