import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { act, fireEvent, screen } from '@testing-library/react';
import { version } from 'react';
import { ConnectButton } from '../src/index.js';
import { COMPLETE, type FakeBrowser, settled, stateResponse, TOKEN } from './fake-browser.js';
import { installFakeBrowser, show, tidyUp } from './page-under-test.js';

declare const REACT_MAJOR: string;

let browser: FakeBrowser;
beforeEach(() => {
  browser = installFakeBrowser();
  history.replaceState(null, '', '/settings');
});
afterEach(tidyUp);

it('these tests run on the React that they are meant to', () => {
  expect(version.split('.')[0]).toBe(REACT_MAJOR);
});

describe('the session', () => {
  it('is fetched at each click, with what is connected', async () => {
    const session = jest.fn<(request: unknown) => Promise<string>>().mockResolvedValue(TOKEN);
    show(<ConnectButton provider="okta" integration="okta-eu" />, { session });
    expect(session).not.toHaveBeenCalled();
    await act(async () => {
      fireEvent.click(screen.getByRole('button'));
      await settled();
    });
    expect(session.mock.calls).toEqual([
      [{ provider: 'okta', integration: 'okta-eu', connectionId: undefined }],
    ]);
    expect(browser.submitted[0]?.fields).toMatchObject({ token: TOKEN });
  });
});

describe('a session that ran out', () => {
  it('is renewed at the next click', async () => {
    const tokens = [`${TOKEN}1`, `${TOKEN}2`];
    const session = jest.fn<() => Promise<string>>(async () => tokens.shift() ?? 'no more');
    show(<ConnectButton provider="okta" onError={() => {}} />, { session });
    const click = () =>
      act(async () => {
        fireEvent.click(screen.getByRole('button'));
        await settled();
      });
    browser.answer = () => new Response('{}', { status: 410 });
    await click();
    expect(screen.getByRole('status').textContent).toBe('That took too long. Please start again.');
    browser.answer = () => stateResponse(COMPLETE);
    await click();
    expect(browser.submitted.map(({ fields }) => fields.token)).toEqual([`${TOKEN}1`, `${TOKEN}2`]);
    expect(screen.getByRole('button').textContent).toBe('Okta connected');
  });
});

describe('a page that a redirect came back to', () => {
  beforeEach(() => {
    sessionStorage.setItem('authpipe:redirect', JSON.stringify({ token: TOKEN, integration: 'okta' }));
    history.replaceState(null, '', '/settings?authpipe_session=sess_1&authpipe_status=complete');
  });

  it('shows the button connected and tells onSuccess once, in StrictMode too', async () => {
    browser.answer = () => stateResponse(COMPLETE);
    const onSuccess = jest.fn();
    await act(async () => {
      show(<ConnectButton provider="okta" onSuccess={onSuccess} />);
      await settled();
    });
    expect(onSuccess).toHaveBeenCalledTimes(1);
    expect(screen.getByRole('button').textContent).toBe('Okta connected');
    expect(location.search).toBe('');
  });

  it('loses the parameters even where no button is on it, and a button that comes later still learns the outcome', async () => {
    browser.answer = () => stateResponse(COMPLETE);
    const onSuccess = jest.fn();
    const { rerender } = show(null);
    expect(location.search).toBe('');
    await act(async () => {
      rerender(<ConnectButton provider="okta" onSuccess={onSuccess} />);
      await settled();
    });
    expect(onSuccess).toHaveBeenCalledTimes(1);
  });

  it('after a reconnect waits for the button to learn which connection it shows', async () => {
    const remembered = { token: TOKEN, integration: 'okta', connectionId: 'conn_1' };
    sessionStorage.setItem('authpipe:redirect', JSON.stringify(remembered));
    browser.answer = () => stateResponse(COMPLETE);
    const onSuccess = jest.fn();
    const { rerender } = show(<ConnectButton provider="okta" onSuccess={onSuccess} />);
    expect(browser.requests).toEqual([]);
    await act(async () => {
      const connection = { id: 'conn_1', status: 'needs_reconnect' } as const;
      rerender(<ConnectButton provider="okta" connection={connection} onSuccess={onSuccess} />);
      await settled();
    });
    expect(onSuccess).toHaveBeenCalledTimes(1);
  });
});
