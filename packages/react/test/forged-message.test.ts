import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import {
  COMPLETE,
  FakePopup,
  message,
  PENDING,
  SERVER_URL,
  settled,
  stateResponse,
  TOKEN,
} from './fake-browser.js';
import { flowUnderTest } from './flow-under-test.js';

afterEach(() => {
  jest.restoreAllMocks();
});

describe('a message that is not the hosted page’s own completes nothing', () => {
  let test: ReturnType<typeof flowUnderTest>;

  beforeEach(async () => {
    test = flowUnderTest();
    test.flow.connect();
    await test.browser.advance(0);
  });
  const expectIgnored = () => {
    expect(test.onSuccess).not.toHaveBeenCalled();
    expect(test.status()).toBe('connecting');
    // The same message, sent by whom it should be, does complete: so only what was forged stood in its way.
    test.browser.post(message(COMPLETE));
    expect(test.onSuccess).toHaveBeenCalledTimes(1);
  };

  it('from another origin', () => {
    test.browser.post(message(COMPLETE), { origin: 'https://evil.test' });
    expectIgnored();
  });

  it('from an origin that begins like the server’s', () => {
    test.browser.post(message(COMPLETE), { origin: `${SERVER_URL}.evil.test` });
    expectIgnored();
  });

  it('from another window of the server’s origin', () => {
    test.browser.post(message(COMPLETE), { source: new FakePopup() });
    expectIgnored();
  });

  it('from no window at all', () => {
    test.browser.post(message(COMPLETE), { source: null });
    expectIgnored();
  });

  it('about another session', () => {
    test.browser.post(message({ ...COMPLETE, id: 'sess_other' }));
    expectIgnored();
  });

  it('of another type', () => {
    test.browser.post({ ...message(COMPLETE), type: 'other' });
    expectIgnored();
  });

  it.each([
    [null],
    ['authpipe:connect'],
    [{ type: 'authpipe:connect' }],
    [message({ ...COMPLETE, status: 'toString' as 'complete' })],
  ])('of another shape: %j', (data) => {
    test.browser.post(data);
    expectIgnored();
  });
});

it('a message that comes before the session’s id is known only makes the flow ask the server', async () => {
  const { flow, browser, onSuccess } = flowUnderTest();
  let answerFirst = (_response: Response): void => {};
  browser.answer = () =>
    new Promise((resolve) => {
      answerFirst = resolve;
    });
  flow.connect();
  await settled();
  browser.post(message({ ...COMPLETE, id: 'sess_other' }));
  expect(onSuccess).not.toHaveBeenCalled();
  answerFirst(stateResponse(PENDING));
  await settled();
  expect(onSuccess).not.toHaveBeenCalled();
});

it('a message of the popup that comes before the session’s id is known makes the flow ask at once', async () => {
  const { flow, browser, onSuccess } = flowUnderTest();
  browser.answer = () => Promise.reject(new TypeError('Failed to fetch'));
  flow.connect();
  await settled();
  browser.answer = () => stateResponse(COMPLETE);
  browser.post(message(COMPLETE));
  await settled();
  expect(onSuccess).toHaveBeenCalledTimes(1);
});

it('after a redirect there is no popup, and a message without a source is nobody’s', async () => {
  sessionStorage.setItem('authpipe:redirect', JSON.stringify({ token: TOKEN, integration: 'okta' }));
  history.replaceState(null, '', '/?authpipe_session=sess_1&authpipe_status=complete');
  const { flow, browser, onSuccess } = flowUnderTest();
  browser.answer = () => stateResponse({ id: 'sess_1', status: 'awaiting_finish' });
  flow.resume();
  await settled();
  browser.post(message(COMPLETE), { source: null });
  expect(onSuccess).not.toHaveBeenCalled();
  flow.dispose();
});
