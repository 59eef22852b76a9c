import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createHandler } from '../../examples/serverless/handler.js';
import { createStage, ref, type Stage } from './stage.js';

const { tenantId, userId } = ref;

let stage: Stage;
beforeEach(() => {
  stage = createStage({ stream: false, maxAgeSeconds: 30 });
});
afterEach(() => stage.authpipe.close());

describe('the serverless example', () => {
  it('keeps the credential between calls, and sees a change within maxAgeSeconds', async () => {
    const handler = createHandler(stage.authpipe);
    await stage.testing.connect(ref);
    expect(await handler({ tenantId, userId })).toEqual({ statusCode: 200, body: '{"people":2}' });
    await handler({ tenantId, userId });
    expect(stage.testing.requests()).toHaveLength(1);
    expect(stage.authpipe.freshness).toBe('max_age');

    await stage.testing.needsReconnect(ref);
    await stage.testing.advance(30);
    expect(await handler({ tenantId, userId })).toEqual({ statusCode: 409, body: '{"connect":true}' });
  });

  it('is loaded as the platform loads it, from the environment', async () => {
    process.env.AUTHPIPE_API_KEY = 'ap_test_of_the_environment';
    process.env.AUTHPIPE_URL = 'https://auth.example.com';
    const { handler } = await import('../../examples/serverless/index.js');
    expect(handler).toBeInstanceOf(Function);
  });
});
