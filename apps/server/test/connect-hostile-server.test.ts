import type { LookupAddress } from 'node:dns';
import type { SessionErrorCode } from '@authpipe/types';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { generateKeyPair, SignJWT, UnsecuredJWT } from 'jose';
import {
  CLIENT,
  type ConnectWorld,
  createBrowser,
  type Page,
  startConnectWorld,
  stateOf,
} from './support/connect-world.js';
import { type Misdeed, startTrial, type Trial } from './support/hostile-connect.js';
import { hostileDefinition, json, startHostileServer } from './support/hostile-server.js';

const LOOPBACK: LookupAddress = { address: '127.0.0.1', family: 4 };
const PRIVATE: LookupAddress = { address: '10.0.0.7', family: 4 };

let world: ConnectWorld;
/** What DNS says. */
let addresses: (hostname: string) => LookupAddress = () => LOOPBACK;
let opened: { close: () => Promise<void> }[] = [];
const table: { case: string; said: string; connection: string }[] = [];

beforeAll(async () => {
  world = await startConnectWorld({
    definition: hostileDefinition().definition,
    timeoutMillis: 2_000,
    resolve: async (hostname) => [addresses(hostname)],
  });
});
afterEach(async () => {
  world.forgetRequests();
  addresses = () => LOOPBACK;
  await Promise.all(opened.map(({ close }) => close()));
  opened = [];
});
afterAll(async () => {
  await world.close();
  const widths = [0, ...table.map((row) => row.case.length)];
  const lines = table.map(
    (row) => `${row.case.padEnd(Math.max(...widths))} | ${row.connection.padEnd(18)} | ${row.said}`,
  );
  const head = `${'case'.padEnd(Math.max(...widths))} | connection created | what Authpipe said`;
  process.stdout.write(`\n${[head, ...lines].join('\n')}\n\n`);
});

const trial = async (misdeed: Misdeed = {}): Promise<Trial> => {
  const started = await startTrial(world, misdeed);
  opened.push(started.server);
  return started;
};

/** How a case ends: what the backend is told (null: nothing new), what the person reads, what there is of connections. */
interface Ending {
  readonly error: SessionErrorCode | null;
  readonly reads: string;
  readonly connections?: number;
}

/** Looks at the end of a case from all sides, and writes it into the table. */
const expectEnd = async (name: string, { session, connections }: Trial, page: Page, ending: Ending) => {
  const { error: code, reads, connections: before = 0 } = ending;
  const { status, error } = await stateOf(world, session);
  const created = (await connections()) - before;
  const heading = page.root.querySelector('h1')?.text ?? '';
  table.push({
    case: name,
    said: error ? `${error.code}: ${error.detail}` : heading,
    connection: created === 0 ? 'no' : 'YES',
  });
  expect(error?.code ?? null).toBe(code);
  if (code !== null) expect(status).not.toBe('complete');
  expect(page.text).toContain(reads);
  expect(created).toBe(0);
  expect([page.html, error?.detail, ...world.logLines].join('\n')).not.toContain('planted');
};

/** A case in which the person goes the whole way. */
const expectWalk = async (name: string, misdeed: Misdeed, ending: Ending): Promise<Trial> => {
  const started = await trial(misdeed);
  await expectEnd(name, started, await started.walk(), ending);
  return started;
};

const UNTRUSTED: Ending = { error: 'provider_error', reads: 'did not pass the checks' };
const AWAY: Ending = { error: 'provider_error', reads: 'did not answer as it should' };
const SET_UP: Ending = { error: 'provider_error', reads: 'can not be connected now' };

it('a server that does all as it should connects, so that what follows fails for its own cause', async () => {
  const { walk, connections, codes } = await trial();
  expect((await walk()).text).toContain('ada@acme.test is connected');
  expect(await connections()).toBe(1);
  expect(codes()).toHaveLength(1);
});

it('each sign-in has a state, a nonce and a challenge of its own, and no secret is in an address', async () => {
  const { walk, openSession, asked, server } = await trial();
  await walk();
  await walk(await openSession());
  for (const name of ['state', 'nonce', 'code_challenge']) {
    const [first, second] = asked.map((query) => query.get(name));
    expect([name, first?.length, second?.length]).toEqual([name, 43, 43]);
    expect(second).not.toBe(first);
  }
  const addresses = server.heard.map(({ path, query }) => `${path}?${query}`).join('\n');
  expect(addresses).not.toMatch(/planted|code_verifier/);
});

describe('an answer that names its issuer (RFC 9207)', () => {
  const advertised = { authorization_response_iss_parameter_supported: true };

  it('wrongly is refused, and the code goes nowhere', async () => {
    const { codes } = await expectWalk('wrong iss', { answer: { iss: 'https://evil.test' } }, UNTRUSTED);
    expect(codes()).toEqual([]);
  });

  it('not at all is refused where the metadata promises it', async () => {
    const { codes } = await expectWalk('missing iss', { discover: advertised }, UNTRUSTED);
    expect(codes()).toEqual([]);
  });

  it('not at all is not believed when it is an error either: the person may go on', async () => {
    const answer = { code: undefined, error: 'access_denied' };
    const { session } = await expectWalk(
      'missing iss on an error',
      { discover: advertised, answer },
      { error: 'provider_error', reads: 'did not come from Hostile' },
    );
    expect((await stateOf(world, session)).status).toBe('pending');
  });

  it('rightly is taken, with a code and with an error', async () => {
    const good = await trial({ discover: advertised });
    good.server.handle('/authorize', ({ query }, response) => {
      good.asked.push(query);
      const back = new URL(query.get('redirect_uri') ?? '');
      const told = { code: 'planted-code', state: query.get('state') ?? '', iss: good.server.issuer };
      back.search = new URLSearchParams(told).toString();
      response.writeHead(303, { location: back.href }).end();
    });
    expect((await good.walk()).text).toContain('is connected');
    const second = await good.openSession();
    const { callback, resume } = await good.walkToCallback(second);
    callback.searchParams.delete('code');
    callback.searchParams.set('error', 'access_denied');
    expect((await resume(callback)).text).toContain('Access was declined');
  });
});

describe('a mix-up of two providers', () => {
  /** The evil one sends the person on to the honest one, whose answer comes back to the evil one's sign-in. */
  const mixUp = (evil: Trial, honest: Trial, redirectUri: string) =>
    evil.server.handle('/authorize', ({ query }, response) => {
      const onwards = new URL(`${honest.server.issuer}/authorize`);
      onwards.search = query.toString();
      onwards.searchParams.set('redirect_uri', redirectUri);
      response.writeHead(303, { location: onwards.href }).end();
    });

  it('is seen by the issuer that the answer names: the evil one never gets the code', async () => {
    const honest = await trial();
    honest.server.handle('/authorize', ({ query }, response) => {
      const back = new URL(query.get('redirect_uri') ?? '');
      const told = { code: 'planted-code', state: query.get('state') ?? '', iss: honest.server.issuer };
      back.search = new URLSearchParams(told).toString();
      response.writeHead(303, { location: back.href }).end();
    });
    const evil = await trial();
    mixUp(evil, honest, world.callback);
    await expectEnd('mix-up, iss', evil, await evil.walk(), UNTRUSTED);
    expect(evil.codes()).toEqual([]);
    expect(honest.codes()).toEqual([]);
  });

  it.each([
    ['evil', 'honest'],
    ['', 'honest'],
    ['evil', ''],
  ])('is seen by the redirect URI where answers name no issuer (%p, %p)', async (evilPlace, honestPlace) => {
    const at = (place: string) => (place === '' ? world.callback : `${world.callback}/${place}`);
    const honest = await trial({ redirectUri: at(honestPlace) });
    expect((await honest.walk()).text).toContain('is connected');
    const evil = await trial({ redirectUri: at(evilPlace) });
    mixUp(evil, honest, at(honestPlace));
    await expectEnd('mix-up, redirect URI', evil, await evil.walk(), {
      error: 'provider_error',
      reads: 'did not come from Hostile',
    });
    expect(evil.codes()).toEqual([]);
  });
});

describe('an ID token', () => {
  const withToken = async (name: string, make: (trial: Trial) => Promise<unknown>, misdeed: Misdeed = {}) => {
    const started = await trial(misdeed);
    started.server.handle('/token', async (heard, response) =>
      json(await started.grant({ id_token: await make(started) }))(heard, response),
    );
    await expectEnd(name, started, await started.walk(), UNTRUSTED);
    expect(started.codes()).toHaveLength(1);
  };
  const claimsOf = ({ server, asked }: Trial) => {
    const now = Math.floor(Date.now() / 1000);
    const nonce = asked.at(-1)?.get('nonce');
    return { iss: server.issuer, aud: CLIENT.clientId, sub: 'u1', nonce, iat: now, exp: now + 300 };
  };

  it.each([
    ['wrong aud', { aud: 'client_2' }],
    ['several aud, made out to another', { aud: [CLIENT.clientId, 'client_2'], azp: 'client_2' }],
    ['ID token of another issuer', { iss: 'https://evil.test' }],
    ['ID token without nonce', { nonce: undefined }],
    ['expired ID token', { iat: 1_000_000_000, exp: 1_000_000_300 }],
    ['ID token not yet valid', { nbf: Math.floor(Date.now() / 1000) + 3_600 }],
    ['ID token without an end', { exp: undefined }],
    ['at_hash of another access token', { at_hash: 'AAAAAAAAAAAAAAAAAAAAAA' }],
  ])('with a fault (%s) is refused', async (name, claims) => {
    await expectWalk(
      name,
      { claims },
      name.startsWith('at_hash') ? { ...UNTRUSTED, reads: 'belongs to another access token' } : UNTRUSTED,
    );
  });

  it('signed by another key is refused', async () => {
    const { privateKey } = await generateKeyPair('RS256');
    await withToken('bad signature', ({ server, ...of }) =>
      server.idToken(claimsOf({ server, ...of } as Trial), privateKey),
    );
  });

  it('without a signature is refused, even where the metadata allows it', async () => {
    const unsigned = async (of: Trial) => new UnsecuredJWT(claimsOf(of)).encode();
    await withToken('alg: none', unsigned);
    const discover = { id_token_signing_alg_values_supported: ['none', 'RS256'] };
    await withToken('alg: none, advertised', unsigned, { discover });
  });

  it('signed by the client secret is refused', async () => {
    const secret = new TextEncoder().encode(CLIENT.clientSecret);
    const signed = (of: Trial) => new SignJWT(claimsOf(of)).setProtectedHeader({ alg: 'HS256' }).sign(secret);
    const discover = { id_token_signing_alg_values_supported: ['HS256', 'RS256'] };
    await withToken('alg: HS256', signed, { discover });
  });

  it('of an earlier sign-in is refused: its nonce was that one’s', async () => {
    const started = await trial();
    const earlier: unknown[] = [];
    started.server.handle('/token', async (heard, response) => {
      earlier.push((await started.grant()).id_token);
      await json(await started.grant({ id_token: earlier[0] }))(heard, response);
    });
    expect((await started.walk(await started.openSession())).text).toContain('is connected');
    const page = await started.walk();
    await expectEnd('nonce replay', started, page, { ...UNTRUSTED, connections: 1 });
  });

  it('that is missing is refused', async () => {
    await expectWalk('no ID token', { token: { id_token: undefined } }, UNTRUSTED);
  });

  it('whose keys nobody publishes is not asked for', async () => {
    const { asked } = await expectWalk('no keys published', { discover: { jwks_uri: undefined } }, SET_UP);
    expect(asked).toEqual([]);
  });
});

describe('a callback', () => {
  it('with the code of another’s sign-in is refused by nonce, even by a server that ignores PKCE', async () => {
    const started = await trial();
    const attacker = await started.walkToCallback(await started.openSession());
    const stolen = { code: 'planted-stolen', nonce: started.asked.at(-1)?.get('nonce') };
    const victim = await started.walkToCallback();
    started.server.handle('/token', async (heard, response) => {
      const isStolen = new URLSearchParams(heard.body).get('code') === stolen.code;
      const nonce = isStolen ? stolen.nonce : started.asked.at(-1)?.get('nonce');
      const id_token = await started.server.idToken({ aud: CLIENT.clientId, nonce });
      await json(await started.grant({ id_token }))(heard, response);
    });
    const injected = new URL(victim.callback);
    injected.searchParams.set('code', stolen.code);
    expect(attacker.callback.searchParams.get('state')).not.toBe(injected.searchParams.get('state'));
    await expectEnd('code injection', started, await victim.resume(injected), UNTRUSTED);
    expect(new URLSearchParams(started.codes()[0]?.body).get('code_verifier')).toHaveLength(43);
  });

  it('in another browser than the one that began is refused and changes nothing', async () => {
    const started = await trial();
    const { callback, resume } = await started.walkToCallback();
    const page = await createBrowser().open(callback);
    await expectEnd('state of another browser', started, page, {
      error: null,
      reads: 'This was begun in another browser',
    });
    expect(started.codes()).toEqual([]);
    expect((await resume()).text).toContain('is connected');
  });

  it('works once', async () => {
    const started = await trial();
    const { resume } = await started.walkToCallback();
    expect((await resume()).text).toContain('is connected');
    const ending: Ending = { error: null, reads: 'This sign-in was used before', connections: 1 };
    await expectEnd('callback replay', started, await resume(), ending);
    expect(started.codes()).toHaveLength(1);
  });

  it('that failed does not work a second time either', async () => {
    const started = await trial({ claims: { aud: 'client_2' } });
    const { resume } = await started.walkToCallback();
    await resume();
    const ending: Ending = { error: 'provider_error', reads: 'This sign-in was used before' };
    await expectEnd('callback replay after a failure', started, await resume(), ending);
    expect(started.codes()).toHaveLength(1);
  });

  it('after the end of its session is refused', async () => {
    const started = await trial();
    const { resume } = await started.walkToCallback();
    world.moveClock(1_801);
    try {
      const ending: Ending = { error: 'session_expired', reads: 'This took too long' };
      await expectEnd('callback after expiry', started, await resume(), ending);
    } finally {
      world.moveClock(-1_801);
    }
    expect(started.codes()).toEqual([]);
  });

  it('that brings tokens instead of a code (implicit grant) is refused', async () => {
    const answer = { code: undefined, access_token: 'planted-access-token', token_type: 'Bearer' };
    const { codes, asked } = await expectWalk(
      'tokens in the callback',
      { answer },
      { error: 'provider_error', reads: 'sent no code' },
    );
    expect(asked[0]?.get('response_type')).toBe('code');
    expect(codes()).toEqual([]);
  });
});

describe('a token answer', () => {
  it.each([
    ['oversized token answer', { filler: 'x'.repeat(1_100_000) }],
    ['token answer without an access token', { access_token: undefined }],
    ['token answer whose access token is no text', { access_token: { planted: 1 } }],
  ])('that is no good (%s) is not taken', async (name, token) => {
    await expectWalk(name, { token }, name.startsWith('oversized') ? AWAY : { ...AWAY, reads: 'Hostile' });
  });

  it.each([
    ['a page instead of a token answer', '<h1>planted</h1>'],
    ['half a token answer', '{"access_token":"planted-'],
    ['a list instead of a token answer', '["planted"]'],
    ['an empty token answer', ''],
  ])('that can not be read (%s) is not taken', async (name, body) => {
    const started = await trial();
    started.server.handle('/token', (_heard, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end(body);
    });
    await expectEnd(name, started, await started.walk(), { ...AWAY, reads: 'Hostile' });
  });

  it('that redirects is not followed: neither code nor secret leave for another host', async () => {
    const thief = await startHostileServer();
    opened.push(thief);
    for (const status of [302, 307]) {
      const started = await trial();
      started.server.handle('/token', (_heard, response) => {
        response.writeHead(status, { location: `${thief.issuer}/token` }).end();
      });
      await expectEnd(`token endpoint redirects (${status})`, started, await started.walk(), AWAY);
    }
    expect(thief.heard).toEqual([]);
  });

  it('that never ends is given up', async () => {
    const started = await trial();
    started.server.handle('/token', (_heard, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write('{"access_token":"planted-');
    });
    await expectEnd('a token answer that never ends', started, await started.walk(), AWAY);
  });
});

describe('metadata', () => {
  it('of another issuer is not believed: nobody is sent there', async () => {
    const misdeed = { discover: { issuer: 'https://evil.test' } };
    const { asked } = await expectWalk('discovery of another issuer', misdeed, SET_UP);
    expect(asked).toEqual([]);
  });

  it('that sends secrets to another host is not believed', async () => {
    const thief = await startHostileServer();
    opened.push(thief);
    for (const endpoint of ['token_endpoint', 'pushed_authorization_request_endpoint']) {
      const discover = { [endpoint]: `${thief.issuer}/token` };
      const { asked } = await expectWalk(`${endpoint} elsewhere`, { discover }, SET_UP);
      expect(asked).toEqual([]);
    }
    expect(thief.heard).toEqual([]);
  });

  it('without S256 is not gone on with', async () => {
    const discover = { code_challenge_methods_supported: ['plain'] };
    const { asked } = await expectWalk('PKCE downgraded', { discover }, SET_UP);
    expect(asked).toEqual([]);
  });

  it('that never ends is given up, and the person may try again', async () => {
    const started = await trial();
    started.server.handle('/.well-known/openid-configuration', (_heard, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write('{');
    });
    const ending: Ending = { error: 'provider_error', reads: 'The provider does not answer' };
    await expectEnd('metadata that never ends', started, await started.walk(), ending);
    started.server.discover({});
    expect((await started.walk()).text).toContain('is connected');
  });
});

describe('an endpoint at a private address', () => {
  it('is not asked for its metadata', async () => {
    addresses = (hostname) => (hostname === 'intranet.test' ? PRIVATE : LOOPBACK);
    await expectWalk('host resolves to a private address', { domain: 'intranet.test' }, SET_UP);
  });

  it('is not sent the code when DNS says something else by then (rebinding)', async () => {
    const started = await trial();
    const { server } = started;
    server.handle('/.well-known/openid-configuration', json(server.metadata, 200, { connection: 'close' }));
    const { resume } = await started.walkToCallback();
    addresses = () => PRIVATE;
    const ending: Ending = { error: 'provider_error', reads: 'not a host on the public internet' };
    await expectEnd('host rebinds to a private address', started, await resume(), ending);
    expect(started.codes()).toEqual([]);
  });
});
