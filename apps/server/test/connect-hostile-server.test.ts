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
const table: { case: string; said: string; audit: string; connection: string }[] = [];

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
  const head = {
    case: 'case',
    connection: 'connection created',
    said: 'what Authpipe said',
    audit: 'its audit line',
  };
  const columns = ['case', 'connection', 'said', 'audit'] as const;
  const widthOf = (column: (typeof columns)[number]) =>
    Math.max(...[head, ...table].map((row) => row[column].length));
  const lines = [head, ...table].map((row) =>
    columns
      .map((column) => row[column].padEnd(widthOf(column)))
      .join(' | ')
      .trimEnd(),
  );
  process.stdout.write(`\n${lines.join('\n')}\n\n`);
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
  /** What the audit names: the check that did not pass, or why the browser could not go on. Says that nothing else failed. */
  readonly audited: string;
  readonly connections?: number;
}

/** Words of protocols, which a person who connects need not know. */
const JARGON =
  /\b(nonce|at_hash|JWT|JWS|PKCE|S256|ID token|issuer|iss|metadata|redirect URI|token endpoint)\b/i;

/** Looks at the end of a case from all sides, and writes it into the table. */
const expectEnd = async (name: string, of: Trial, page: Page, ending: Ending) => {
  const { error: code, reads, audited, connections: before = 0 } = ending;
  const { status, error } = await stateOf(world, of.session);
  const created = (await of.connections()) - before;
  const heading = page.root.querySelector('h1')?.text ?? '';
  const lines = of.audit();
  const failed = code === null ? undefined : lines.findLast(({ audit }) => audit === 'connect.failed');
  const line = failed ?? lines.at(-1);
  const named = line?.failedCheck ?? line?.outcome ?? 'nothing';
  table.push({
    case: name,
    said: error ? `${error.code}: ${error.detail}` : heading,
    audit: `${line?.audit}: ${named}`,
    connection: created === 0 ? 'no' : 'YES',
  });
  expect(error?.code ?? null).toBe(code);
  if (code !== null) expect(status).not.toBe('complete');
  expect(named).toContain(audited);
  if (line?.audit === 'connect.failed') {
    expect(line).toMatchObject({ tenantId: 'org_acme', userId: of.userId, outcome: code });
  }
  expect(page.text).toContain(reads);
  expect(page.text).toMatch(/again|tell the people|go on in that window/i);
  expect(page.text).not.toMatch(JARGON);
  expect(created).toBe(0);
  expect([page.html, error?.detail, ...world.logLines].join('\n')).not.toContain('planted');
};

/** A case in which the person goes the whole way. */
const expectWalk = async (name: string, misdeed: Misdeed, ending: Ending): Promise<Trial> => {
  const started = await trial(misdeed);
  await expectEnd(name, started, await started.walk(), ending);
  return started;
};

const untrusted = (audited: string): Ending => ({
  error: 'provider_error',
  reads: 'did not pass the checks',
  audited,
});
const away = (audited: string): Ending => ({
  error: 'provider_error',
  reads: 'did not answer as it should',
  audited,
});
const wrongSetUp = (audited: string): Ending => ({
  error: 'provider_error',
  reads: 'can not be connected now',
  audited,
});
const foreign: Ending = {
  error: 'provider_error',
  reads: 'did not come from Hostile',
  audited: 'of another provider',
};

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
    const { codes } = await expectWalk(
      'wrong iss',
      { answer: { iss: 'https://evil.test' } },
      untrusted('unexpected "iss"'),
    );
    expect(codes()).toEqual([]);
  });

  it('not at all is refused where the metadata promises it', async () => {
    const { codes } = await expectWalk(
      'missing iss',
      { discover: advertised },
      untrusted('"iss" (issuer) missing'),
    );
    expect(codes()).toEqual([]);
  });

  it('not at all is not believed when it is an error either: the person may go on', async () => {
    const answer = { code: undefined, error: 'access_denied' };
    const { session } = await expectWalk(
      'missing iss on an error',
      { discover: advertised, answer },
      foreign,
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
    await expectEnd('mix-up, iss', evil, await evil.walk(), untrusted('unexpected "iss"'));
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
    await expectEnd('mix-up, redirect URI', evil, await evil.walk(), foreign);
    expect(evil.codes()).toEqual([]);
  });
});

describe('an ID token', () => {
  const withToken = async (
    name: string,
    audited: string,
    make: (trial: Trial) => Promise<unknown>,
    misdeed: Misdeed = {},
  ) => {
    const started = await trial(misdeed);
    started.server.handle('/token', async (heard, response) =>
      json(await started.grant({ id_token: await make(started) }))(heard, response),
    );
    await expectEnd(name, started, await started.walk(), untrusted(audited));
    expect(started.codes()).toHaveLength(1);
  };
  const claimsOf = ({ server, asked }: Trial) => {
    const now = Math.floor(Date.now() / 1000);
    const nonce = asked.at(-1)?.get('nonce');
    return { iss: server.issuer, aud: CLIENT.clientId, sub: 'u1', nonce, iat: now, exp: now + 300 };
  };

  it.each([
    ['wrong aud', { aud: 'client_2' }, 'unexpected JWT "aud"'],
    ['several aud, made out to another', { aud: [CLIENT.clientId, 'client_2'], azp: 'client_2' }, '"azp"'],
    ['ID token of another issuer', { iss: 'https://evil.test' }, 'unexpected JWT "iss"'],
    ['ID token without nonce', { nonce: undefined }, '"nonce" (nonce) claim missing'],
    ['expired ID token', { iat: 1_000_000_000, exp: 1_000_000_300 }, 'expiration is past'],
    ['ID token not yet valid', { nbf: Math.floor(Date.now() / 1000) + 3_600 }, '"nbf"'],
    ['ID token without an end', { exp: undefined }, '"exp" (expiration time) claim missing'],
    ['at_hash of another access token', { at_hash: 'AAAAAAAAAAAAAAAAAAAAAA' }, 'at_hash'],
  ])('with a fault (%s) is refused', async (name, claims, audited) => {
    await expectWalk(name, { claims }, untrusted(audited));
  });

  it('signed by another key is refused', async () => {
    const { privateKey } = await generateKeyPair('RS256');
    await withToken('bad signature', 'signature verification failed', ({ server, ...of }) =>
      server.idToken(claimsOf({ server, ...of } as Trial), privateKey),
    );
  });

  it('without a signature is refused, even where the metadata allows it', async () => {
    const unsigned = async (of: Trial) => new UnsecuredJWT(claimsOf(of)).encode();
    await withToken('alg: none', 'unexpected JWT "alg"', unsigned);
    const discover = { id_token_signing_alg_values_supported: ['none', 'RS256'] };
    await withToken('alg: none, advertised', 'unsupported JWS "alg"', unsigned, { discover });
  });

  it('signed by the client secret is refused', async () => {
    const secret = new TextEncoder().encode(CLIENT.clientSecret);
    const signed = (of: Trial) => new SignJWT(claimsOf(of)).setProtectedHeader({ alg: 'HS256' }).sign(secret);
    const discover = { id_token_signing_alg_values_supported: ['HS256', 'RS256'] };
    await withToken('alg: HS256', 'unsupported JWS algorithm', signed, { discover });
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
    await expectEnd('nonce replay', started, page, {
      ...untrusted('unexpected ID Token "nonce"'),
      connections: 1,
    });
  });

  it('that is missing is refused', async () => {
    await expectWalk('no ID token', { token: { id_token: undefined } }, untrusted('"id_token"'));
  });

  it('whose keys nobody publishes is not asked for', async () => {
    const { asked } = await expectWalk(
      'no keys published',
      { discover: { jwks_uri: undefined } },
      wrongSetUp('does not publish the keys'),
    );
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
    await expectEnd(
      'code injection',
      started,
      await victim.resume(injected),
      untrusted('unexpected ID Token "nonce"'),
    );
    expect(new URLSearchParams(started.codes()[0]?.body).get('code_verifier')).toHaveLength(43);
  });

  it('in another browser than the one that began is refused and changes nothing', async () => {
    const started = await trial();
    const { callback, resume } = await started.walkToCallback();
    const page = await createBrowser().open(callback);
    await expectEnd('state of another browser', started, page, {
      error: null,
      reads: 'This was begun in another browser',
      audited: 'other_browser',
    });
    expect(page.html).not.toContain(started.session.id);
    expect(started.codes()).toEqual([]);
    expect((await resume()).text).toContain('is connected');
  });

  it('works once', async () => {
    const started = await trial();
    const { resume } = await started.walkToCallback();
    expect((await resume()).text).toContain('is connected');
    const ending: Ending = {
      error: null,
      reads: 'This sign-in was used before',
      audited: 'replayed',
      connections: 1,
    };
    await expectEnd('callback replay', started, await resume(), ending);
    expect(started.codes()).toHaveLength(1);
  });

  it('that failed does not work a second time either', async () => {
    const started = await trial({ claims: { aud: 'client_2' } });
    const { resume } = await started.walkToCallback();
    await resume();
    const ending: Ending = {
      error: 'provider_error',
      reads: 'This sign-in was used before',
      audited: 'unexpected JWT "aud"',
    };
    await expectEnd('callback replay after a failure', started, await resume(), ending);
    expect(started.audit().at(-1)).toMatchObject({ audit: 'connect.refused', outcome: 'replayed' });
    expect(started.codes()).toHaveLength(1);
  });

  it('after the end of its session is refused', async () => {
    const started = await trial();
    const { resume } = await started.walkToCallback();
    world.moveClock(1_801);
    try {
      const ending: Ending = {
        error: 'session_expired',
        reads: 'This took too long',
        audited: 'session_expired',
      };
      await expectEnd('callback after expiry', started, await resume(), ending);
    } finally {
      world.moveClock(-1_801);
    }
    expect(started.codes()).toEqual([]);
  });

  it.each([
    ['code', 'planted-second'],
    ['state', 'planted-second'],
    ['iss', 'https://evil.test'],
  ])('with two of %s is refused: one for each reader', async (name, second) => {
    const started = await trial();
    const { callback, resume } = await started.walkToCallback();
    if (name === 'iss') callback.searchParams.append('iss', started.server.issuer);
    callback.searchParams.append(name, second);
    await expectEnd(`two of ${name}`, started, await resume(callback), untrusted('only once'));
    expect(started.codes()).toEqual([]);
  });

  it('that brings tokens instead of a code (implicit grant) is refused', async () => {
    const answer = { code: undefined, access_token: 'planted-access-token', token_type: 'Bearer' };
    const { codes, asked } = await expectWalk(
      'tokens in the callback',
      { answer },
      { error: 'provider_error', reads: 'sent no code', audited: 'neither a code nor an error' },
    );
    expect(asked[0]?.get('response_type')).toBe('code');
    expect(codes()).toEqual([]);
  });
});

describe('a token answer', () => {
  it.each([
    ['oversized token answer', { filler: 'x'.repeat(1_100_000) }, 'too large'],
    ['token answer without an access token', { access_token: undefined }, 'refused without an OAuth error'],
    ['access token that is no text', { access_token: { planted: 1 } }, 'refused without an OAuth error'],
  ])('that is no good (%s) is not taken', async (name, token, audited) => {
    await expectWalk(name, { token }, away(audited));
  });

  it.each([
    ['a page instead of a token answer', '<h1>planted</h1>', 'answered without a token'],
    ['half a token answer', '{"access_token":"planted-', 'answered without a token'],
    ['a list instead of a token answer', '["planted"]', 'refused without an OAuth error'],
    ['an empty token answer', '', 'answered without a token'],
  ])('that can not be read (%s) is not taken', async (name, body, audited) => {
    const started = await trial();
    started.server.handle('/token', (_heard, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end(body);
    });
    await expectEnd(name, started, await started.walk(), away(audited));
  });

  it('that redirects is not followed: neither code nor secret leave for another host', async () => {
    const thief = await startHostileServer();
    opened.push(thief);
    for (const status of [302, 307]) {
      const started = await trial();
      started.server.handle('/token', (_heard, response) => {
        response.writeHead(status, { location: `${thief.issuer}/token` }).end();
      });
      await expectEnd(
        `token endpoint redirects (${status})`,
        started,
        await started.walk(),
        away('must not be redirected'),
      );
    }
    expect(thief.heard).toEqual([]);
  });

  it.each([
    ['that stops in the middle', null],
    // Each byte would start a limit on silence anew: the time for the whole answer ends it.
    ['that drips', 200],
  ])('%s and never ends is given up', async (name, everyMillis) => {
    const started = await trial();
    const drops: NodeJS.Timeout[] = [];
    started.server.handle('/token', (_heard, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write('{"access_token":"planted-');
      if (everyMillis !== null) drops.push(setInterval(() => response.write('x'), everyMillis));
    });
    try {
      await expectEnd(
        `a token answer ${name}`,
        started,
        await started.walk(),
        away('did not answer in time'),
      );
    } finally {
      drops.forEach(clearInterval);
    }
  });
});

describe('metadata', () => {
  it('of another issuer is not believed: nobody is sent there', async () => {
    const misdeed = { discover: { issuer: 'https://evil.test' } };
    const { asked } = await expectWalk(
      'discovery of another issuer',
      misdeed,
      wrongSetUp('speaks for another issuer'),
    );
    expect(asked).toEqual([]);
  });

  it('that sends secrets to another host is not believed', async () => {
    const thief = await startHostileServer();
    opened.push(thief);
    for (const endpoint of ['token_endpoint', 'pushed_authorization_request_endpoint']) {
      const discover = { [endpoint]: `${thief.issuer}/token` };
      const { asked } = await expectWalk(
        `${endpoint} elsewhere`,
        { discover },
        wrongSetUp('sends secrets to another host'),
      );
      expect(asked).toEqual([]);
    }
    expect(thief.heard).toEqual([]);
  });

  it('without S256 is not gone on with', async () => {
    const discover = { code_challenge_methods_supported: ['plain'] };
    const { asked } = await expectWalk(
      'PKCE downgraded',
      { discover },
      wrongSetUp('no longer offers PKCE with S256'),
    );
    expect(asked).toEqual([]);
  });

  it.each([
    ['metadata that is too large', 200, JSON.stringify({ filler: 'x'.repeat(1_100_000) }), 'too large'],
    ['metadata that redirects', 302, '', 'must not be redirected'],
  ])('that is no good (%s) is not taken', async (name, status, body, audited) => {
    const started = await trial();
    started.server.handle('/.well-known/openid-configuration', (_heard, response) => {
      response.writeHead(status, { 'content-type': 'application/json', location: '/elsewhere' }).end(body);
    });
    const reads = 'The provider does not answer';
    await expectEnd(name, started, await started.walk(), { error: 'provider_error', reads, audited });
    expect(started.server.heardAt('/elsewhere')).toEqual([]);
  });

  it('that never ends is given up, and the person may try again', async () => {
    const started = await trial();
    started.server.handle('/.well-known/openid-configuration', (_heard, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write('{');
    });
    const ending: Ending = {
      error: 'provider_error',
      reads: 'The provider does not answer',
      audited: 'did not answer in time',
    };
    await expectEnd('metadata that never ends', started, await started.walk(), ending);
    started.server.discover({});
    expect((await started.walk()).text).toContain('is connected');
  });
});

describe('the keys of ID tokens', () => {
  it.each([
    ['keys that never come', 'did not answer in time', null],
    ['keys that are too many', 'too large', JSON.stringify({ keys: [], filler: 'x'.repeat(1_100_000) })],
    ['keys that are none', 'no applicable keys', '{"keys":[]}'],
  ])('that can not be had (%s) let nobody in', async (name, audited, body) => {
    const started = await trial();
    started.server.handle('/jwks', (_heard, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      if (body === null) response.write('{');
      else response.end(body);
    });
    const { reads } = name.endsWith('none') ? untrusted('') : away('');
    await expectEnd(name, started, await started.walk(), { error: 'provider_error', reads, audited });
  });
});

describe('an endpoint at a private address', () => {
  it('is not asked for its metadata', async () => {
    addresses = (hostname) => (hostname === 'intranet.test' ? PRIVATE : LOOPBACK);
    await expectWalk(
      'host resolves to a private address',
      { domain: 'intranet.test' },
      wrongSetUp('not a host on the public'),
    );
  });

  it('is not sent the code when DNS says something else by then (rebinding)', async () => {
    const started = await trial();
    const { server } = started;
    server.handle('/.well-known/openid-configuration', json(server.metadata, 200, { connection: 'close' }));
    const { resume } = await started.walkToCallback();
    addresses = () => PRIVATE;
    const ending: Ending = {
      error: 'provider_error',
      reads: 'not a host on the public internet',
      audited: 'not a host on the public internet',
    };
    await expectEnd('host rebinds to a private address', started, await resume(), ending);
    expect(started.codes()).toEqual([]);
  });
});
