import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { act, fireEvent, render, screen } from '@testing-library/react';
import { type ComponentPropsWithoutRef, createRef, forwardRef, type ReactNode } from 'react';
import { ConnectButton, type ConnectErrorCode, useConnect } from '../src/index.js';
import { findings } from './axe-findings.js';
import {
  ACCOUNT,
  COMPLETE,
  type FakeBrowser,
  failedWith,
  message,
  settled,
  stateResponse,
  TOKEN,
} from './fake-browser.js';
import { installFakeBrowser, show, tidyUp } from './page-under-test.js';

let browser: FakeBrowser;
beforeEach(() => {
  browser = installFakeBrowser();
});
afterEach(tidyUp);

const button = () => screen.getByRole('button');
const announced = () => screen.getByRole('status').textContent;
const state = () => button().getAttribute('data-authpipe-button');

/** Clicks, and lets the first look at the session come back. */
const click = () =>
  act(async () => {
    fireEvent.click(button());
    await settled();
  });
const finish = (session: typeof COMPLETE) => act(async () => browser.post(message(session)));

describe('the button', () => {
  it('says what it connects', () => {
    show(<ConnectButton provider="google-drive" />);
    expect(button().textContent).toBe('Connect Google Drive');
    expect(button().getAttribute('type')).toBe('button');
    expect(announced()).toBe('');
  });

  it('is busy and says so while the person connects, and stays focusable', async () => {
    show(<ConnectButton provider="okta" />);
    await click();
    expect(state()).toBe('connecting');
    expect(button().getAttribute('aria-busy')).toBe('true');
    expect((button() as HTMLButtonElement).disabled).toBe(false);
    expect(announced()).toBe('Connecting…');
  });

  it('is connected when the person finished, and tells onSuccess once, in StrictMode too', async () => {
    const onSuccess = jest.fn();
    show(<ConnectButton provider="okta" onSuccess={onSuccess} />);
    await click();
    await finish(COMPLETE);
    expect(onSuccess.mock.calls).toEqual([[ACCOUNT]]);
    expect(state()).toBe('connected');
    expect(button().textContent).toBe('Okta connected');
    expect(announced()).toBe('Okta connected');
    expect(button().querySelector('[data-authpipe-icon=connected]')).not.toBeNull();
  });

  it('shows an error in words for people, offers to try again, and gives the app the code', async () => {
    const onError = jest.fn();
    show(<ConnectButton provider="okta" onError={onError} />);
    await click();
    await finish(failedWith('access_denied'));
    expect(onError).toHaveBeenCalledWith(expect.objectContaining({ code: 'access_denied' }));
    expect(state()).toBe('error');
    expect(button().textContent).toBe('Try again');
    expect(announced()).toBe('Access was declined at Okta.');
    await click();
    expect(state()).toBe('connecting');
  });

  it('is as before when the person cancelled', async () => {
    const onCancel = jest.fn();
    show(<ConnectButton provider="okta" onCancel={onCancel} />);
    await click();
    await finish(failedWith('cancelled'));
    expect(onCancel).toHaveBeenCalledTimes(1);
    expect(state()).toBe('idle');
  });

  it('asks to reconnect where the app knows that it is needed, and reconnects that connection', async () => {
    show(<ConnectButton provider="okta" connection={{ id: 'conn_1', status: 'needs_reconnect' }} />);
    expect(button().textContent).toBe('Reconnect Okta');
    await click();
    expect(browser.submitted[0]?.fields).toMatchObject({ connection_id: 'conn_1' });
  });

  it('reconnects the connection that is named, before one that the app knows', async () => {
    show(<ConnectButton provider="okta" connectionId="conn_2" connection={ACCOUNT} />);
    await click();
    expect(browser.submitted[0]?.fields).toMatchObject({ connection_id: 'conn_2' });
  });

  it('follows the connection that the app passes', () => {
    const { rerender } = show(<ConnectButton provider="okta" connection={null} />);
    expect(state()).toBe('idle');
    rerender(<ConnectButton provider="okta" connection={ACCOUNT} />);
    expect(state()).toBe('connected');
    rerender(<ConnectButton provider="okta" connection={{ ...ACCOUNT, status: 'needs_reconnect' }} />);
    expect(state()).toBe('needs_reconnect');
    rerender(<ConnectButton provider="okta" connection={null} />);
    expect(state()).toBe('idle');
  });

  it('uses the callbacks of the latest render', async () => {
    const first = jest.fn();
    const second = jest.fn();
    const { rerender } = show(<ConnectButton provider="okta" onSuccess={first} />);
    await click();
    rerender(<ConnectButton provider="okta" onSuccess={second} />);
    await finish(COMPLETE);
    expect(first).not.toHaveBeenCalled();
    expect(second).toHaveBeenCalledTimes(1);
  });

  it('asks nothing more after it is gone', async () => {
    const onSuccess = jest.fn();
    const { rerender } = show(<ConnectButton provider="okta" onSuccess={onSuccess} />);
    await click();
    rerender(null);
    browser.post(message(COMPLETE));
    expect(onSuccess).not.toHaveBeenCalled();
  });

  it('does nothing while it is disabled', async () => {
    show(<ConnectButton provider="okta" disabled />);
    await click();
    expect(browser.popups).toEqual([]);
  });

  it('leaves the click to the app that prevents it', async () => {
    show(<ConnectButton provider="okta" onClick={(event) => event.preventDefault()} />);
    await click();
    expect(browser.popups).toEqual([]);
  });

  it('passes on its ref, class, style and other attributes', () => {
    const ref = createRef<HTMLButtonElement>();
    show(
      <ConnectButton provider="okta" ref={ref} className="mine" style={{ marginTop: 7 }} id="connect-okta" />,
    );
    expect(ref.current).toBe(button());
    expect(button().className).toBe('mine');
    expect(button().id).toBe('connect-okta');
    expect(button().style.marginTop).toBe('7px');
    expect(button().style.display).toBe('inline-flex');
  });

  it('has no style of its own when it is unstyled', () => {
    show(<ConnectButton provider="okta" unstyled className="mine" />);
    expect(button().getAttribute('style')).toBeNull();
  });

  it('speaks the app’s language', async () => {
    show(
      <ConnectButton
        provider="okta"
        label="Okta verbinden"
        onError={() => {}}
        labels={{ error: 'Nochmal versuchen', errors: { access_denied: 'Der Zugriff wurde abgelehnt.' } }}
      />,
    );
    expect(button().textContent).toBe('Okta verbinden');
    await click();
    await finish(failedWith('access_denied'));
    expect(button().textContent).toBe('Nochmal versuchen');
    expect(announced()).toBe('Der Zugriff wurde abgelehnt.');
  });

  it('has a word of the app for every state', async () => {
    const labels = {
      idle: 'Verbinden',
      connecting: 'Wird verbunden …',
      windowGone: 'Fenster wieder öffnen',
      connected: 'Verbunden',
      needsReconnect: 'Neu verbinden',
      error: 'Nochmal',
    };
    const known = (connection: { id: string; status: 'needs_reconnect' } | null) => (
      <ConnectButton provider="okta" labels={labels} connection={connection} onError={() => {}} />
    );
    const { rerender } = show(known(null));
    const seen = [button().textContent];
    await click();
    seen.push(button().textContent);
    browser.popup.close();
    await act(async () => void window.dispatchEvent(new Event('focus')));
    await act(settled);
    seen.push(button().textContent);
    browser.answer = () => stateResponse(failedWith('access_denied'));
    await click();
    seen.push(button().textContent);
    browser.answer = () => stateResponse(COMPLETE);
    await click();
    seen.push(button().textContent);
    rerender(known({ id: 'conn_1', status: 'needs_reconnect' }));
    seen.push(button().textContent);
    const { idle, connecting, windowGone, error, connected, needsReconnect } = labels;
    expect(seen).toEqual([idle, connecting, windowGone, error, connected, needsReconnect]);
  });

  it('comes in sizes, and keeps its lengths in proportion to its words', () => {
    for (const [size, fontSize] of [
      ['small', '0.8125rem'],
      [undefined, '0.9375rem'],
      ['large', '1.0625rem'],
    ] as const) {
      const { unmount } = show(<ConnectButton provider="okta" size={size} />);
      expect(button().style.fontSize).toBe(`var(--authpipe-font-size, ${fontSize})`);
      expect(button().style.minHeight).toContain('em');
      unmount();
    }
  });

  it('shows the provider’s sign before anything is connected, and its own signs afterwards', async () => {
    show(<ConnectButton provider="okta" icon={<svg data-testid="sign" />} />);
    expect(button().contains(screen.getByTestId('sign'))).toBe(true);
    expect(button().querySelectorAll('svg')).toHaveLength(1);
    await click();
    expect(screen.queryByTestId('sign')).toBeNull();
    expect(button().querySelector('[data-authpipe-icon=connecting]')).not.toBeNull();
  });

  it('hands its config to the session function, for the backend to judge', async () => {
    const session = jest.fn<(request: unknown) => Promise<string>>().mockResolvedValue(TOKEN);
    show(<ConnectButton provider="okta" config={{ domain: 'acme.okta.com' }} />, { session });
    await click();
    expect(session.mock.calls[0]?.[0]).toMatchObject({ config: { domain: 'acme.okta.com' } });
    expect(JSON.stringify(browser.submitted[0]?.fields)).not.toContain('acme.okta.com');
  });

  it('keeps what is its own out of the page', async () => {
    const session = async () => TOKEN;
    show(
      <ConnectButton
        provider="okta"
        integration="okta-eu"
        connectionId="conn_1"
        config={{ domain: 'acme.okta.com' }}
        display="popup"
        size="large"
        onAwaitingFinish={() => {}}
      />,
      { session },
    );
    const names = button().getAttributeNames();
    expect(names.sort()).toEqual(['aria-busy', 'data-authpipe-button', 'style', 'type']);
  });

  it('has a sentence for every error', async () => {
    const codes: Record<
      Exclude<ConnectErrorCode, 'popup_blocked' | 'session_unavailable' | 'unauthorized'>,
      true
    > = {
      session_expired: true,
      access_denied: true,
      account_mismatch: true,
      provider_error: true,
      integration_not_configured: true,
      server_unreachable: true,
    };
    for (const code of Object.keys(codes)) {
      const { unmount } = show(<ConnectButton provider="okta" onError={() => {}} />);
      await click();
      await finish(failedWith(code));
      expect(announced()).toMatch(/\.$/);
      unmount();
    }
  });
});

/** A button of somebody's design system. */
const Fancy = forwardRef<HTMLButtonElement, ComponentPropsWithoutRef<'button'>>(function Fancy(props, ref) {
  return <button {...props} ref={ref} type="button" data-fancy="" />;
});

describe('asChild', () => {
  it('gives the child the whole behaviour and no look', async () => {
    const onSuccess = jest.fn();
    const ref = createRef<HTMLButtonElement>();
    show(
      <ConnectButton provider="okta" asChild onSuccess={onSuccess} ref={ref} id="connect-okta">
        <Fancy className="theirs" />
      </ConnectButton>,
    );
    expect(screen.getAllByRole('button')).toHaveLength(1);
    expect(ref.current).toBe(button());
    expect([button().dataset.fancy, button().id, button().className]).toEqual(['', 'connect-okta', 'theirs']);
    expect(button().getAttribute('style')).toBeNull();
    expect(button().textContent).toBe('Connect Okta');
    await click();
    expect([state(), button().getAttribute('aria-busy')]).toEqual(['connecting', 'true']);
    await finish(COMPLETE);
    expect(onSuccess).toHaveBeenCalledTimes(1);
    expect(button().textContent).toBe('Okta connected');
  });

  it('joins classes, styles and clicks with the child’s own, and leaves its words', async () => {
    const own = createRef<HTMLButtonElement>();
    const clicks: string[] = [];
    show(
      <ConnectButton
        provider="okta"
        asChild
        className="mine"
        style={{ marginTop: 7 }}
        onClick={() => clicks.push('mine')}
      >
        <Fancy ref={own} className="theirs" style={{ color: 'red' }} onClick={() => clicks.push('theirs')}>
          Link it
        </Fancy>
      </ConnectButton>,
    );
    expect(own.current).toBe(button());
    expect(button().className).toBe('theirs mine');
    expect([button().style.color, button().style.marginTop]).toEqual(['red', '7px']);
    expect(button().textContent).toBe('Link it');
    await click();
    expect(clicks).toEqual(['theirs', 'mine']);
    expect(state()).toBe('connecting');
  });

  it('leaves the click to the child that prevents it', async () => {
    show(
      <ConnectButton provider="okta" asChild>
        <Fancy onClick={(event) => event.preventDefault()} />
      </ConnectButton>,
    );
    await click();
    expect(browser.popups).toEqual([]);
  });
});

it('axe finds nothing on the button in any state', async () => {
  for (const connection of [null, ACCOUNT, { ...ACCOUNT, status: 'needs_reconnect' } as const]) {
    const { unmount } = inMain(<ConnectButton provider="okta" connection={connection} />);
    expect(await findings()).toEqual([]);
    unmount();
  }
  inMain(<ConnectButton provider="okta" onError={() => {}} />);
  await click();
  expect(await findings()).toEqual([]);
  await finish(failedWith('access_denied'));
  expect(await findings()).toEqual([]);
});

/** As a page has it: everything is in some landmark. */
const inMain = (content: ReactNode) => show(<main>{content}</main>);

function OwnButton() {
  const { status, connection, error, connect, reset } = useConnect({ provider: 'okta', onError: () => {} });
  return (
    <>
      <button type="button" onClick={status === 'error' ? reset : connect}>
        {status}
      </button>
      <output>{connection?.account?.email ?? error?.code}</output>
    </>
  );
}

describe('useConnect', () => {
  it('is the button’s logic for a button of one’s own', async () => {
    show(<OwnButton />);
    await click();
    expect(button().textContent).toBe('connecting');
    await finish(COMPLETE);
    expect(screen.getByText('ada@acme.test')).not.toBeNull();
  });

  it('resets an error', async () => {
    browser.blocksPopups = true;
    show(<OwnButton />);
    await click();
    expect(screen.getByText('popup_blocked')).not.toBeNull();
    await click();
    expect(button().textContent).toBe('idle');
  });

  it('outside a provider says what to do', () => {
    jest.spyOn(console, 'error').mockImplementation(() => {});
    expect(() => render(<OwnButton />)).toThrow(
      'wrap this part of the app in <AuthpipeProvider session={…}>',
    );
  });
});
