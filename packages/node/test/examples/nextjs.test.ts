import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { dynamic, GET, runtime } from '../../examples/nextjs/app/api/people/route.js';
import { createStage, ref, type Stage } from './stage.js';

let stage: Stage;
beforeEach(() => {
  stage = createStage();
  Object.assign(globalThis, { authpipe: stage.authpipe });
});
afterEach(() => {
  stage.authpipe.close();
  Reflect.deleteProperty(globalThis, 'authpipe');
});

const get = () => GET(new Request('http://localhost:3000/api/people?q=ada'));

describe('the Next.js example', () => {
  it('searches the directory with the credential of who is signed in', async () => {
    await stage.testing.connect(ref, { credential: 'of ada' });
    const answer = await get();
    expect([answer.status, await answer.json()]).toEqual([200, [{ id: '00u1' }, { id: '00u2' }]]);
    expect(stage.calls).toEqual(['https://api.example.com/api/v1/users?limit=20&q=ada of ada']);
  });

  it('offers to connect where nothing is connected, or no more', async () => {
    expect((await get()).status).toBe(409);
    await stage.testing.connect(ref);
    expect((await get()).status).toBe(200);
    await stage.testing.needsReconnect(ref);
    const answer = await get();
    expect([answer.status, await answer.json()]).toEqual([409, { connect: true }]);
  });

  it('runs on Node, and is never rendered ahead', () => {
    expect([runtime, dynamic]).toEqual(['nodejs', 'force-dynamic']);
  });
});
