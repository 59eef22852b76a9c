/** @jest-environment node */
import { expect, it } from '@jest/globals';
import { renderToString } from 'react-dom/server.node';
import { AuthpipeProvider, ConnectButton } from '../src/index.js';

it('renders on a server, where there is no window', () => {
  expect(typeof window).toBe('undefined');
  const html = renderToString(
    <AuthpipeProvider session={async () => 'never asked'}>
      <ConnectButton provider="okta" />
      <ConnectButton provider="okta" connection={{ id: 'conn_1', status: 'needs_reconnect' }} />
    </AuthpipeProvider>,
  );
  expect(html).toContain('Connect Okta');
  expect(html).toContain('Reconnect Okta');
});
