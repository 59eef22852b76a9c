import type { ReactNode } from 'react';
import type { HandledWork } from './handled-work.js';

/** Outlines in a square of 24 units, drawn by stroke. */
const OUTLINES: Readonly<Record<HandledWork['icon'], string>> = {
  exchange: 'M4 8.5h13M13.5 5 17 8.5 13.5 12M20 15.5H7M10.5 12 7 15.5l3.5 3.5',
  vault:
    'M5 4.5h14v14H5zM7.5 18.5v2M16.5 18.5v2M12 8.75a2.75 2.75 0 1 0 0 5.5a2.75 2.75 0 0 0 0-5.5M12 7v1.75M12 14.25V16',
  refresh: 'M19.5 12a7.5 7.5 0 0 1-13.4 4.6M4.5 12a7.5 7.5 0 0 1 13.4-4.6M18.5 3.5v4h-4M5.5 20.5v-4h4',
  health: 'M3 12.5h4l2.5-7 5 13 2.5-6h4',
};

/** A small line drawing for a card; says nothing that the card's title does not. */
export function HandledIcon({ icon }: { readonly icon: HandledWork['icon'] }): ReactNode {
  return (
    <svg className="line-icon" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true">
      <path d={OUTLINES[icon]} />
    </svg>
  );
}
