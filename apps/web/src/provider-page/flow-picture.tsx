import type { ReactNode } from 'react';
import { ProviderTile, TILE } from '../site/provider-mark.js';
import type { FlowWords } from './flow-words.js';

/** Side of a step's tile, in pixels. */
const STEP_TILE = 56;
/** Distance from a step's middle to the tip of an arrow. */
const ARROW_TIP = STEP_TILE / 2 + 6;
/** Heights of the arrows' shafts within the tile. */
const OUTWARD_Y = 19;
const HOMEWARD_Y = 37;

/**
 * Three numbered steps with arrows between them. The drawing has no viewBox: places are parts of its width and sizes
 * are pixels, so the words keep their size on a phone, where only the arrows get shorter.
 */
export function FlowPicture(props: {
  readonly providerId: string;
  readonly providerName: string;
  readonly words: Pick<FlowWords, 'outward' | 'homeward'>;
}): ReactNode {
  const { providerId, providerName, words } = props;
  return (
    <svg
      className="flow-picture"
      width="100%"
      height="116"
      role="img"
      aria-label={`Three steps: 1 Your App, 2 Authpipe, 3 ${providerName}`}
    >
      <line className="flow-shaft" x1="16.667%" x2="83.333%" y1={16 + OUTWARD_Y} y2={16 + OUTWARD_Y} />
      <line
        className="flow-shaft flow-shaft-home"
        x1="16.667%"
        x2="83.333%"
        y1={16 + HOMEWARD_Y}
        y2={16 + HOMEWARD_Y}
      />
      <Step x="16.667%" number={1} name="Your App" arrows="homeward">
        <AppTile />
      </Step>
      <Step x="50%" number={2} name="Authpipe" arrows="both">
        <AuthpipeTile />
      </Step>
      <Step x="83.333%" number={3} name={providerName} arrows="outward">
        <ProviderTile id={providerId} />
      </Step>
      <ArrowWords x="33.333%" outward={words.outward[0]} homeward={words.homeward[0]} />
      <ArrowWords x="66.667%" outward={words.outward[1]} homeward={words.homeward[1]} />
    </svg>
  );
}

interface StepProps {
  readonly x: string;
  readonly number: number;
  readonly name: string;
  readonly arrows: 'homeward' | 'both' | 'outward';
  readonly children: ReactNode;
}

/** A step around its own middle: arrow heads on the sides where arrows end, tile, number, name. */
function Step({ x, number, name, arrows, children }: StepProps): ReactNode {
  const half = STEP_TILE / 2;
  return (
    <svg x={x} y="16" overflow="visible" aria-hidden="true">
      <g className="flow-step">
        <rect className="flow-gap" x={-ARROW_TIP} y="0" width={ARROW_TIP * 2} height={STEP_TILE} />
        {arrows !== 'homeward' && (
          <path className="flow-head" d={`M${-ARROW_TIP - 6} ${OUTWARD_Y - 5}l6 5l-6 5`} />
        )}
        {arrows !== 'outward' && (
          <path className="flow-head" d={`M${ARROW_TIP + 6} ${HOMEWARD_Y - 5}l-6 5l6 5`} />
        )}
        <g transform={`translate(${-half} 0) scale(${STEP_TILE / TILE})`}>{children}</g>
        <circle className="flow-number-disc" cx={-half + 2} cy="2" r="11" />
        <text className="flow-number" x={-half + 2} y="6.25" textAnchor="middle">
          {number}
        </text>
        <text className="flow-name" x="0" y={STEP_TILE + 28} textAnchor="middle">
          {name}
        </text>
      </g>
    </svg>
  );
}

/** A window: the customer's own product. */
function AppTile(): ReactNode {
  return (
    <>
      <rect className="tile" x="0.5" y="0.5" width={TILE - 1} height={TILE - 1} rx="11" />
      <path className="flow-glyph" d="M11 14.5h26v19H11zM11 20h26M16 26h9M16 29.5h6" />
    </>
  );
}

/** Authpipe's mark on its own colour. */
function AuthpipeTile(): ReactNode {
  return (
    <>
      <rect className="flow-own-tile" x="0" y="0" width={TILE} height={TILE} rx="11.5" />
      <path
        className="flow-own-glyph"
        d="M15.5 18.25a5.75 5.75 0 1 0 0 11.5a5.75 5.75 0 0 0 0-11.5M21.25 24H36M28.5 24v5.25M36 19.5v9"
      />
    </>
  );
}

function ArrowWords(props: {
  readonly x: string;
  readonly outward: string;
  readonly homeward: string;
}): ReactNode {
  return (
    <svg className="flow-arrow-words" x={props.x} y="16" overflow="visible" aria-hidden="true">
      <text x="0" y={OUTWARD_Y - 9} textAnchor="middle">
        {props.outward}
      </text>
      <text x="0" y={HOMEWARD_Y + 19} textAnchor="middle">
        {props.homeward}
      </text>
    </svg>
  );
}
