import type { ConnectionView } from '../integration-view.js';

const LOOKS = {
  healthy: { text: 'Healthy', tone: 'good' },
  unverified: { text: 'Not checked yet', tone: 'plain' },
  degraded: { text: 'Degraded', tone: 'warn' },
  needs_reconnect: { text: 'Needs reconnect', tone: 'bad' },
} as const;

/** How the connection stands, in a word and a colour. */
export function StatusChip({ connection }: { connection: ConnectionView | null }) {
  const { text, tone } = connection ? LOOKS[connection.status] : { text: 'Not connected', tone: 'plain' };
  return (
    <span className={`chip ${tone}`} data-testid="status">
      {text}
    </span>
  );
}
