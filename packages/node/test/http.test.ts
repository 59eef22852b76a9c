import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Clock } from '../src/clock.js';
import { AuthpipeError } from '../src/errors.js';
import { HttpTransport } from '../src/http-transport.js';
import { Authpipe } from '../src/index.js';
import { checkOptions } from '../src/options.js';
import { type Answer, API_KEY, HttpServer, problem } from './http-server.js';
import { ManualClock } from './manual-clock.js';

let server: HttpServer;
let clock: ManualClock;
let transport: HttpTransport;

const transportWith = (
  options: { fetch?: typeof fetch; timeoutMillis?: number; clock?: Clock; random?: number } = {},
) => {
  const { random = 0, ...more } = options;
  return new HttpTransport(
    checkOptions({ apiKey: API_KEY, baseUrl: server.url, clock, ...more }),
    () => random,
  );
};

beforeEach(async () => {
  server = await HttpServer.start();
  clock = new ManualClock();
  transport = transportWith();
});

afterEach(() => server.stop());

const GET = { method: 'GET', path: '/things' } as const;

const failure = async (promise: Promise<unknown>): Promise<AuthpipeError> => {
  try {
    await promise;
  } catch (error) {
    if (error instanceof AuthpipeError) return error;
    throw error;
  }
  throw new Error('The call succeeded.');
};

/** Gives these answers in turn, then the last one for ever. */
const answerInTurn = (...answers: [Answer, ...Answer[]]) => {
  let turn = 0;
  server.answer = () => {
    const answer = answers[Math.min(turn, answers.length - 1)] as Answer;
    turn += 1;
    return answer;
  };
};

describe('a retryable failure of a GET', () => {
  it.each<[string, Answer]>([
    ['503', problem(503, 'provider_unavailable')],
    ['500', problem(500, 'internal_error')],
    ['429', problem(429, 'rate_limited')],
    ['a gateway’s 502 page', { status: 502, text: '<html>Bad Gateway</html>' }],
    ['a cut connection', 'cut'],
  ])('is tried again: %s', async (_name, answer) => {
    answerInTurn(answer, { json: { ok: true } });
    await expect(transport.send(GET)).resolves.toEqual({ ok: true });
    expect(server.requests).toHaveLength(2);
  });

  it('is given up after three tries', async () => {
    answerInTurn(problem(503, 'provider_unavailable'));
    expect((await failure(transport.send(GET))).code).toBe('provider_unavailable');
    expect(server.requests).toHaveLength(3);
  });

  it('is waited out a little longer each time, half of it by chance', async () => {
    answerInTurn(problem(503, 'provider_unavailable'));
    await failure(transport.send(GET));
    await failure(transportWith({ random: 1 }).send(GET));
    expect(clock.slept).toEqual([100, 200, 200, 400]);
  });

  it('is waited out as long as Retry-After says, in seconds or as a date', async () => {
    answerInTurn(
      { ...(problem(429, 'rate_limited') as object), headers: { 'retry-after': '3' } },
      {
        ...(problem(503, 'provider_unavailable') as object),
        headers: { 'retry-after': new Date(clock.now() + 7_000).toUTCString() },
      },
      { json: {} },
    );
    await transport.send(GET);
    expect(clock.slept).toEqual([3_000, 4_000]);
  });

  it('is passed on when Retry-After asks for more patience than a caller has', async () => {
    answerInTurn({ ...(problem(429, 'rate_limited') as object), headers: { 'retry-after': '120' } });
    expect(await failure(transport.send(GET))).toMatchObject({
      code: 'rate_limited',
      retryAfterSeconds: 120,
    });
    expect(server.requests).toHaveLength(1);
  });

  it('ends at once when the caller gives up while waiting', async () => {
    const giveUp = new AbortController();
    answerInTurn(problem(503, 'provider_unavailable'));
    const sleep: typeof clock.sleep = async (_millis, signal) => {
      giveUp.abort(new Error('enough'));
      signal?.throwIfAborted();
    };
    await expect(
      transportWith({ clock: { now: clock.now, sleep } }).send({ ...GET, signal: giveUp.signal }),
    ).rejects.toThrow('enough');
    expect(server.requests).toHaveLength(1);
  });
});

describe('no second try', () => {
  it.each(['POST', 'PUT', 'PATCH', 'DELETE'] as const)(
    'for a %s, which may have been done',
    async (method) => {
      answerInTurn(problem(503, 'provider_unavailable'));
      await failure(transport.send({ method, path: '/things' }));
      expect(server.requests).toHaveLength(1);
    },
  );

  it.each<[string, Answer]>([
    ['409', problem(409, 'needs_reconnect')],
    ['400', problem(400, 'invalid_request')],
    ['401', problem(401, 'unauthorized')],
    ['what the server says is not retryable', problem(503, 'provider_unavailable', { retryable: false })],
  ])('for an answer that will stay the same: %s', async (_name, answer) => {
    answerInTurn(answer);
    await failure(transport.send(GET));
    expect(server.requests).toHaveLength(1);
  });
});

describe('a problem document', () => {
  it('becomes an error with all that it tells', async () => {
    answerInTurn(
      problem(409, 'needs_reconnect', {
        detail: 'Ask the user to connect again.',
        connectionId: 'conn_1',
        reason: 'revoked',
      }),
    );
    expect(await failure(transport.send(GET))).toMatchObject({
      message: 'Ask the user to connect again.',
      code: 'needs_reconnect',
      status: 409,
      retryable: false,
      requestId: 'req_1',
      connectionId: 'conn_1',
      reason: 'revoked',
    });
  });

  it('tells which fields were wrong, and drops what is not a field error', async () => {
    const errors = [{ pointer: '/userId', detail: 'must not be empty' }, 'nonsense', { pointer: 1 }, null];
    answerInTurn(problem(400, 'invalid_request', { errors }));
    expect((await failure(transport.send(GET))).errors).toEqual([
      { pointer: '/userId', detail: 'must not be empty' },
    ]);
  });

  it.each([
    [401, 'unauthorized'],
    [403, 'forbidden'],
    [404, 'not_found'],
    [409, 'conflict'],
    [418, 'invalid_request'],
    [429, 'rate_limited'],
    [500, 'internal_error'],
    [503, 'provider_unavailable'],
  ])('of a code from the future is read by its status, %i as %s', async (status, code) => {
    answerInTurn({ ...(problem(status, 'from_the_future') as object), headers: { 'retry-after': '60' } });
    expect((await failure(transport.send(GET))).code).toBe(code);
  });

  it.each(['constructor', 'toString', '__proto__'])('can not pass off %s as a code', async (code) => {
    answerInTurn(problem(404, code));
    expect((await failure(transport.send(GET))).code).toBe('not_found');
  });

  it.each<[string, Answer]>([
    ['text', { status: 404, text: 'Not found' }],
    ['null', { status: 404, text: 'null' }],
    ['a list', { status: 404, text: '[]' }],
    ['JSON without a code', { status: 404, json: { error: 'nope' } }],
    ['a code that is a number', { status: 404, json: { code: 7 } }],
  ])('it is not, when it is %s: that came from something between', async (_name, answer) => {
    answerInTurn(answer);
    expect(await failure(transport.send(GET))).toMatchObject({
      code: 'server_unreachable',
      status: 404,
      message: expect.stringContaining('baseUrl'),
    });
  });
});

describe('a redirect', () => {
  it('is not followed: the key stays here', async () => {
    const other = await HttpServer.start();
    answerInTurn({ status: 308, headers: { location: `${other.url}/v1/things?code=secret` } });
    const error = await failure(transport.send(GET));
    expect(error.message).toBe(
      `${server.url} redirects to ${other.url}: set baseUrl to the final address, the API key is not sent along.`,
    );
    expect(other.requests).toHaveLength(0);
    await other.stop();
  });
});

describe('no answer', () => {
  it('is server_unreachable with the network’s code', async () => {
    const { url } = server;
    await server.stop();
    const error = await failure(transport.send(GET));
    expect(error).toMatchObject({ code: 'server_unreachable', retryable: true });
    expect(error.message).toBe(
      `No answer from ${url} (ECONNREFUSED): is Authpipe running there, and is baseUrl right?`,
    );
    server = await HttpServer.start();
  });

  it('within timeoutMillis is server_unreachable', async () => {
    server.answer = () => 'hang';
    const error = await failure(transportWith({ timeoutMillis: 30 }).send({ ...GET, attempts: 1 }));
    expect(error.code).toBe('server_unreachable');
    expect(error.message).toContain('nothing within 30 ms');
  });

  it('leaves no listener on a signal that lives on', async () => {
    const signal = new AbortController().signal;
    const added: unknown[] = [];
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      added.push(args[1]);
      add(...args);
    };
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      if (added.includes(args[1])) added.splice(added.indexOf(args[1]), 1);
      remove(...args);
    };
    await transport.send({ ...GET, signal });
    // What is left is fetch's own, on the controller that each call makes, not on the caller's signal.
    expect(added).toEqual([]);
  });
});

describe('an error', () => {
  it('holds no secret, even where fetch puts one into its own', async () => {
    const leaky: typeof fetch = async (_input, init) => {
      const { headers } = init as { headers: Record<string, string> };
      throw Object.assign(new TypeError(`bad header ${headers.authorization}`), {
        init,
        cause: { headers, code: 'E_BAD' },
      });
    };
    const error = await failure(transportWith({ fetch: leaky }).send({ ...GET, attempts: 1 }));
    const printed = inspect(error, { showHidden: true, depth: Number.POSITIVE_INFINITY });
    expect(printed).toContain('E_BAD');
    expect(printed).not.toContain(API_KEY);
  });

  it('quotes nothing of an answer that does not parse', async () => {
    answerInTurn({ status: 200, text: '{"credential":"secret-token' });
    const error = await failure(transport.send(GET));
    expect(inspect(error, { showHidden: true, depth: Number.POSITIVE_INFINITY })).not.toContain(
      'secret-token',
    );
  });

  it('is one class, with a code to switch on', async () => {
    answerInTurn(problem(404, 'connection_not_found'));
    const client = new Authpipe({ apiKey: API_KEY, baseUrl: server.url });
    const error = await failure(client.getConnection('conn_1'));
    expect(error).toBeInstanceOf(Error);
    expect(error.name).toBe('AuthpipeError');
    expect(error.code).toBe('connection_not_found');
  });
});
