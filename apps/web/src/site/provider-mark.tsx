import type { ReactNode } from 'react';
import { CELL, markShapesOf } from './mark-shapes.js';

/** Side of the tile around a mark, in units of its drawing. */
export const TILE = 48;

/** A tile with a pattern of the provider's own, in place of a logo that belongs to somebody else. */
export function ProviderMark({ id, size }: { readonly id: string; readonly size: number }): ReactNode {
  return (
    <svg
      className="provider-mark"
      viewBox={`0 0 ${TILE} ${TILE}`}
      width={size}
      height={size}
      aria-hidden="true"
    >
      <ProviderTile id={id} />
    </svg>
  );
}

/** The tile's shapes alone, for use in a larger picture. */
export function ProviderTile({ id }: { readonly id: string }): ReactNode {
  const { tint, cells } = markShapesOf(id);
  const margin = (TILE - 2 * CELL) / 2;
  return (
    <g className={`mark-tint-${tint}`}>
      <rect className="tile" x="0.5" y="0.5" width={TILE - 1} height={TILE - 1} rx="11" />
      {cells.map(({ outline, x, y, pale }) => (
        <path
          key={`${x}-${y}`}
          className={pale ? 'mark-cell mark-cell-pale' : 'mark-cell'}
          d={outline}
          transform={`translate(${margin + x} ${margin + y})`}
        />
      ))}
    </g>
  );
}
