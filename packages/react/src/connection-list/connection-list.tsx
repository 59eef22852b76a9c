import type { ListedConnection } from '@authpipe/types';
import { type CSSProperties, type ReactNode, useId, useRef, useState } from 'react';
import { announcedOnlyStyle } from '../button-appearance.js';
import type { ConnectError } from '../connect-error.js';
import { providerName } from '../connect-labels.js';
import type { ConnectionsError } from '../connections-client.js';
import { useConnections } from '../query/use-connections.js';
import { useDisconnect } from '../query/use-disconnect.js';
import { type ConnectionListLabelOverrides, connectionListLabels } from './connection-list-labels.js';
import { ConnectionRow } from './connection-row.js';
import { LIST_STYLES, type Look } from './list-appearance.js';

export interface ConnectionListProps {
  /** Words, for another language. */
  labels?: ConnectionListLabelOverrides | undefined;
  /** Names by provider id, where the id does not read as one: `{ crowdstrike: 'CrowdStrike' }`. */
  names?: Readonly<Record<string, string>> | undefined;
  /** Signs by provider id, about `1.4em` wide; else the first letter of the name. */
  icons?: Readonly<Record<string, ReactNode>> | undefined;
  /** Shown when nothing is connected, below the words: a place for `ConnectButton`s. */
  children?: ReactNode;
  /** For the screen: the backend learns of it from an event or a webhook. */
  onDisconnect?: ((connection: ListedConnection) => void) | undefined;
  /** For the screen, too. */
  onReconnect?: ((connection: ListedConnection) => void) | undefined;
  /** A disconnect or a reconnect failed; people are told already. Without it, errors go to the console. */
  onError?: ((error: ConnectionsError | ConnectError) => void) | undefined;
  className?: string | undefined;
  style?: CSSProperties | undefined;
  /** Leaves out the default inline styles. */
  unstyled?: boolean | undefined;
}

const DEFAULT_LABEL = 'default';

/** The name of a connection: its provider's, and its label where it was given one. */
const nameOf = ({ provider, label }: ListedConnection, names: ConnectionListProps['names']): string => {
  const name = names?.[provider] ?? providerName(provider);
  return label === DEFAULT_LABEL ? name : `${name} (${label})`;
};

/**
 * What the signed-in person has connected, for a settings page: each with its account and how it is in words, a button
 * that reconnects what needs it, keeping its id, and one that disconnects after asking.
 * @throws Error outside an `AuthpipeProvider` and a `QueryClientProvider`
 */
export function ConnectionList(props: ConnectionListProps): ReactNode {
  const { labels, names, icons, children, className, style, unstyled = false } = props;
  const { onDisconnect, onReconnect, onError = console.error } = props;
  const { data: connections, isError, isFetching, refetch } = useConnections();
  const { mutateAsync } = useDisconnect();
  const [announcement, setAnnouncement] = useState('');
  const root = useRef<HTMLElement>(null);
  const listId = useId();
  const words = connectionListLabels(labels);
  const look: Look = (name) => (unstyled ? undefined : LIST_STYLES[name]);
  const rowId = (connection: ListedConnection | undefined) => connection && `${listId}${connection.id}`;

  const disconnect = async (connection: ListedConnection): Promise<void> => {
    const index = connections?.indexOf(connection) ?? -1;
    const neighbour = rowId(connections?.[index + 1] ?? connections?.[index - 1]);
    try {
      await mutateAsync(connection.id);
    } catch (error) {
      onError(error as ConnectionsError);
      throw error;
    }
    const row = document.getElementById(rowId(connection) ?? '');
    const { activeElement } = document;
    // Not where the person has gone on to something else meanwhile.
    if (!activeElement || activeElement === document.body || row?.contains(activeElement)) {
      (document.getElementById(neighbour ?? '') ?? root.current)?.focus();
    }
    setAnnouncement(words.disconnected(nameOf(connection, names)));
    onDisconnect?.(connection);
  };

  const shown = (): ReactNode => {
    if (connections && connections.length > 0) {
      return (
        // biome-ignore lint/a11y/noRedundantRoles: without bullets, Safari takes it for no list.
        <ul role="list" style={look('list')}>
          {connections.map((connection, index) => {
            const name = nameOf(connection, names);
            return (
              <ConnectionRow
                key={connection.id}
                id={rowId(connection) ?? ''}
                connection={connection}
                name={name}
                icon={icons?.[connection.provider]}
                isFirst={index === 0}
                words={words}
                look={look}
                isUnstyled={unstyled}
                onDisconnect={() => disconnect(connection)}
                onReconnected={() => {
                  setAnnouncement(words.reconnected(name));
                  onReconnect?.(connection);
                }}
                onReconnectError={onError}
              />
            );
          })}
        </ul>
      );
    }
    if (connections) {
      return (
        <div data-authpipe-empty="" style={look('notice')}>
          <p style={look('bare')}>{words.empty}</p>
          {children}
        </div>
      );
    }
    if (isError) {
      return (
        <div role="alert" style={look('notice')}>
          <p style={look('bare')}>{words.failed}</p>
          <button
            type="button"
            aria-disabled={isFetching}
            style={look('button')}
            onClick={() => void refetch()}
          >
            {words.tryAgain}
          </button>
        </div>
      );
    }
    return <Placeholder look={look} text={words.disconnect} />;
  };

  const isLoading = !connections && !isError;
  return (
    // Takes the focus when the last row is gone, never by Tab.
    <section
      ref={root}
      tabIndex={-1}
      aria-label={words.list}
      aria-busy={isLoading}
      data-authpipe-list={isLoading ? 'loading' : connections ? 'loaded' : 'error'}
      className={className}
      style={unstyled ? style : { ...LIST_STYLES.root, ...style }}
    >
      {shown()}
      <p role="status" style={announcedOnlyStyle}>
        {isLoading ? words.loading : announcement}
      </p>
    </section>
  );
}

/** As high as a name, an account and a status. */
const PLACEHOLDER_LINES = [
  ['name', '7em'],
  ['quiet', '11em'],
  ['quiet', '6em'],
] as const;
const NO_BREAK_SPACE = '\u00a0';
const HIDDEN_BUTTON = { display: 'inline-block', boxSizing: 'border-box', visibility: 'hidden' } as const;

/** The shape of a row, its button included, so that nothing jumps when the first arrives. */
function Placeholder({ look, text }: { readonly look: Look; readonly text: string }): ReactNode {
  return (
    <div aria-hidden="true" style={look('row')}>
      <span style={look('mark')} />
      <span style={look('about')}>
        {PLACEHOLDER_LINES.map(([line, width]) => (
          <span key={width} style={look(line)}>
            <span style={{ ...look('placeholder'), width }}>{NO_BREAK_SPACE}</span>
          </span>
        ))}
      </span>
      <span style={look('actions')}>
        <span style={{ ...look('button'), ...HIDDEN_BUTTON }}>{text}</span>
      </span>
    </div>
  );
}
