import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { COMPLETE, stateResponse, TOKEN } from './fake-browser.js';
import { flowUnderTest } from './flow-under-test.js';

afterEach(() => {
  jest.restoreAllMocks();
});

describe('the session function', () => {
  it('that fails is session_unavailable with its reason, and the blank popup goes away', async () => {
    const cause = new Error('the backend answered 500');
    const { flow, browser, onError } = flowUnderTest({ session: () => Promise.reject(cause) });
    flow.connect();
    await browser.advance(0);
    expect(onError).toHaveBeenCalledWith(expect.objectContaining({ code: 'session_unavailable', cause }));
    expect(onError.mock.calls[0]?.[0].message).toContain('the backend answered 500');
    expect(browser.popup.closed).toBe(true);
  });

  it('that never answers is given up, so that no blank popup hangs', async () => {
    const { flow, browser, onError } = flowUnderTest({ session: () => new Promise(() => {}) });
    flow.connect();
    await browser.advance(19);
    expect(onError).not.toHaveBeenCalled();
    await browser.advance(1);
    expect(onError).toHaveBeenCalledWith(expect.objectContaining({ code: 'session_unavailable' }));
    expect(browser.popup.closed).toBe(true);
  });

  it('that throws instead of rejecting is the same', async () => {
    const { flow, browser, onError } = flowUnderTest({
      session: () => {
        throw new Error('no user');
      },
    });
    flow.connect();
    await browser.advance(0);
    expect(onError).toHaveBeenCalledWith(expect.objectContaining({ code: 'session_unavailable' }));
  });
});

describe('a session token', () => {
  it.each([
    '',
    'ap_live_key',
    'aps_',
    'aps_%%%.secret',
    `aps_${btoa('javascript:alert(1)')}.secret`,
    TOKEN.split('.')[0],
  ])('that is none (%j) is never sent anywhere', async (session) => {
    const { flow, browser, onError } = flowUnderTest({ session: session ?? '' });
    flow.connect();
    await browser.advance(0);
    expect(onError).toHaveBeenCalledTimes(1);
    expect(browser.submitted).toEqual([]);
    expect(browser.requests).toEqual([]);
    expect(browser.popup.closed).toBe(true);
  });

  it('that the server refuses is unauthorized', async () => {
    const { flow, browser, onError } = flowUnderTest();
    browser.answer = () => new Response('{}', { status: 401 });
    flow.connect();
    await browser.advance(0);
    expect(onError).toHaveBeenCalledWith(expect.objectContaining({ code: 'unauthorized' }));
  });

  it('that ran out is session_expired', async () => {
    const { flow, browser, onError } = flowUnderTest();
    browser.answer = () => new Response('{}', { status: 410 });
    flow.connect();
    await browser.advance(0);
    expect(onError).toHaveBeenCalledWith(expect.objectContaining({ code: 'session_expired' }));
  });

  it('is in no error', async () => {
    const { flow, browser, onError } = flowUnderTest();
    browser.answer = () => new Response('{}', { status: 401 });
    flow.connect();
    await browser.advance(0);
    const error = onError.mock.calls[0]?.[0];
    expect(JSON.stringify([error, error?.message, error?.stack, String(error?.cause)])).not.toContain(TOKEN);
  });
});

describe('a server that does not answer', () => {
  const lost = () => Promise.reject(new TypeError('Failed to fetch'));

  it('is no error while the popup is open: the network comes back', async () => {
    const { flow, browser, onError, onSuccess } = flowUnderTest();
    flow.connect();
    browser.answer = lost;
    await browser.advance(120);
    expect(onError).not.toHaveBeenCalled();
    browser.answer = () => stateResponse(COMPLETE);
    await browser.advance(1);
    expect(onSuccess).toHaveBeenCalledTimes(1);
  });

  it('is server_unreachable once the popup is gone too, and the message names the origin to allow', async () => {
    const { flow, browser, onError } = flowUnderTest();
    browser.answer = lost;
    flow.connect();
    await browser.advance(0);
    browser.popup.close();
    await browser.advance(15);
    const error = onError.mock.calls[0]?.[0];
    expect(error?.code).toBe('server_unreachable');
    expect(error?.message).toContain(`${window.origin} is in the session's allowedOrigins`);
  });

  it.each([404, 429, 500, 503])('is what a %d is taken for, until the next look', async (status) => {
    const { flow, browser, onError, onSuccess } = flowUnderTest();
    browser.answer = () => new Response('<html>', { status });
    flow.connect();
    await browser.advance(3);
    expect(onError).not.toHaveBeenCalled();
    browser.answer = () => stateResponse(COMPLETE);
    await browser.advance(1);
    expect(onSuccess).toHaveBeenCalledTimes(1);
  });

  it('is what an answer is taken for that is no session', async () => {
    const { flow, browser, onSuccess } = flowUnderTest();
    browser.answer = () => Response.json({ id: 'sess_1', status: 'constructor', connection: {} });
    flow.connect();
    await browser.advance(3);
    expect(onSuccess).not.toHaveBeenCalled();
  });

  it('is not waited for longer than ten seconds at a time', async () => {
    const { flow, browser } = flowUnderTest();
    const aborted = jest.fn();
    browser.answer = () => {
      const { signal } = browser.requests.at(-1)?.init ?? {};
      return new Promise((_resolve, reject) => {
        signal?.addEventListener('abort', () => {
          aborted();
          reject(signal.reason);
        });
      });
    };
    flow.connect();
    await browser.advance(10);
    expect(aborted).toHaveBeenCalledTimes(1);
    await browser.advance(1);
    expect(browser.requests).toHaveLength(2);
  });
});
