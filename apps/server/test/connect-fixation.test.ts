import { createHash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  type ConnectWorld,
  createBrowser,
  ENVIRONMENT,
  newSession,
  pressButton,
  signInAt,
  startConnectWorld,
  stateOf,
  walkThrough,
} from './support/connect-world.js';

let world: ConnectWorld;
let users = 0;
let userId = '';

beforeAll(async () => {
  world = await startConnectWorld();
  await world.setUp();
});
afterAll(() => world.close());
beforeEach(() => {
  world.forgetRequests();
  users += 1;
  userId = `user_${users}`;
});

const session = (more: Parameters<typeof newSession>[1] = {}) => newSession(world, { userId, ...more });
const rowOf = ({ id }: { id: string }) => world.db.prisma.connectSession.findUniqueOrThrow({ where: { id } });
const tripsOf = ({ id }: { id: string }) =>
  world.db.prisma.authorizationRequest.findMany({ where: { sessionId: id } });

describe('a link that an attacker mails', () => {
  it('says who asks, for which workspace and for whom, before anything is begun and again before the provider', async () => {
    const made = await session({ tenantId: 'org_attacker' });
    const browser = createBrowser();
    const link = await browser.open(made.url);
    const hosted = await link.submit({ button: 'Continue' });
    for (const page of [link, hosted]) {
      expect(page.text).toContain('app.example.test');
      expect(page.text).toContain('Workspace org_attacker');
      expect(page.text).toContain(`For ${userId}`);
    }
    expect(link.text).toContain('Go on only if you expect it');
  });

  it('begins nothing when a scanner opens it, by whatever method and as often as it likes', async () => {
    const made = await session();
    const before = await rowOf(made);
    for (const method of ['GET', 'HEAD', 'OPTIONS', 'GET']) {
      const answer = await fetch(made.url, { method, redirect: 'manual' });
      expect(answer.status).toBeLessThan(300);
      expect(answer.headers.get('set-cookie')).toBeNull();
    }
    expect(await rowOf(made)).toEqual(before);
    expect((await (await createBrowser().open(made.url)).submit({ button: 'Continue' })).status).toBe(200);
  });

  it('begins nothing by the page’s own addresses either: only forms lead on', async () => {
    const made = await session();
    const browser = createBrowser();
    const hosted = await (await browser.open(made.url)).submit({ button: 'Continue' });
    const before = await rowOf(made);
    const cookie = Object.entries(await browser.cookies(world.publicUrl))
      .map((pair) => pair.join('='))
      .join('; ');
    for (const path of [
      hosted.url.pathname,
      ...['start', 'cancel', 'done'].map((step) => `/connect/${made.id}/${step}`),
      '/connect/open',
    ]) {
      for (const method of ['GET', 'HEAD']) {
        await fetch(new URL(path, world.publicUrl), { method, redirect: 'manual', headers: { cookie } });
      }
    }
    expect(await rowOf(made)).toEqual(before);
    expect(await tripsOf(made)).toEqual([]);
  });

  it('belongs to the browser of the click: neither the sender’s browser nor another one goes on with it', async () => {
    const made = await session();
    const attacker = createBrowser();
    const opened = await pressButton(world, attacker, made);
    const victim = createBrowser();
    const hosted = await (await victim.open(made.url)).submit({ button: 'Continue' });
    for (const stranger of [attacker, createBrowser()]) {
      const page = await stranger.open(hosted.url);
      expect(page.status).toBe(403);
      expect(page.text).toContain('begun in another browser');
    }
    expect((await opened.submit({ button: 'Continue' })).status).toBe(403);
    expect(await tripsOf(made)).toEqual([]);
    expect((await victim.open(hosted.url)).status).toBe(200);
  });
});

describe('a session with a code challenge', () => {
  const codeVerifier = 'a-verifier-that-only-the-backend-of-the-app-knows';
  const challengeOf = (verifier: string) => createHash('sha256').update(verifier).digest('base64url');
  const finish = (id: string, verifier: string) =>
    world.connect.finishSession(ENVIRONMENT, id, verifier, null);

  it('lets a victim’s grant into no connection, old or new, without its verifier', async () => {
    const first = await session();
    await walkThrough(world, first);
    const { connection } = await stateOf(world, first);
    const id = connection?.id ?? '';
    const held = await session({ connectionId: id, codeChallenge: challengeOf(codeVerifier) });
    const before = await world.credentials.openCredential(id, ENVIRONMENT);
    const link = await createBrowser().open(held.url);
    await signInAt(await (await link.submit({ button: 'Continue' })).submit({ button: 'Continue' }));
    const other = 'a-verifier-of-another-session-of-the-same-app-00';
    await session({ codeChallenge: challengeOf(other) });
    for (const verifier of [other, challengeOf(codeVerifier), `${codeVerifier}0`]) {
      await expect(finish(held.id, verifier)).rejects.toMatchObject({ code: 'invalid_request' });
    }
    expect(await stateOf(world, held)).toEqual({ id: held.id, status: 'awaiting_finish' });
    expect(await world.credentials.openCredential(id, ENVIRONMENT)).toEqual(before);
    expect(await finish(held.id, codeVerifier)).toMatchObject({ status: 'complete', connection: { id } });
    const after = await world.credentials.openCredential(id, ENVIRONMENT);
    expect(after?.connection.version).toBeGreaterThan(before?.connection.version ?? Number.NaN);
    expect(after?.secrets).not.toEqual(before?.secrets);
  });
});
