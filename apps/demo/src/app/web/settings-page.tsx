import { ConnectButton } from '@authpipe/react';
import { ConnectionList } from '@authpipe/react/connection-list';
import { useConnections } from '@authpipe/react/query';
import { TopBar } from './top-bar.js';
import { useIntegration } from './use-integration.js';

/** How soon a change that nobody clicked for, such as a revocation at Okta, is in the list. */
const LOOK_INTERVAL_MILLIS = 3_000;

/** The page “Settings” of Crewdesk: what its person has connected, by the ready-made list. */
export function SettingsPage() {
  const { view } = useIntegration();
  return (
    <>
      <TopBar view={view} />
      <main className="page">
        <header className="page-head">
          <h1>Settings</h1>
          <p>Accounts that Crewdesk may use for you, until you disconnect them.</p>
        </header>
        <section className="panel connected" aria-labelledby="connected-title">
          <div className="panel-head">
            <h2 id="connected-title">Connected accounts</h2>
            <AttentionChip />
          </div>
          <ConnectionList>
            <ConnectButton provider="okta" />
          </ConnectionList>
        </section>
      </main>
    </>
  );
}

/** Shares the request of the list below it, and has it asked again. */
function AttentionChip() {
  const { data = [] } = useConnections({ refetchInterval: LOOK_INTERVAL_MILLIS });
  const count = data.filter(({ status }) => status === 'needs_reconnect').length;
  if (count === 0) return null;
  return <span className="chip bad">{count === 1 ? '1 needs you' : `${count} need you`}</span>;
}
