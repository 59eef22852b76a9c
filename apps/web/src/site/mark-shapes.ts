/** Tints that a mark can have; each is a CSS class, `mark-tint-<n>`. */
const TINT_COUNT = 5;

/** Side of one cell of a mark, in units of its drawing. */
export const CELL = 14;

/** Outlines within one cell: quarter discs by corner, a disc, and a lozenge. */
const CELL_SHAPES = [
  `M0 0H${CELL}A${CELL} ${CELL} 0 0 1 0 ${CELL}Z`,
  `M0 0H${CELL}V${CELL}A${CELL} ${CELL} 0 0 1 0 0Z`,
  `M${CELL} 0V${CELL}H0A${CELL} ${CELL} 0 0 1 ${CELL} 0Z`,
  `M0 0V${CELL}H${CELL}A${CELL} ${CELL} 0 0 0 0 0Z`,
  `M0 ${CELL / 2}a${CELL / 2} ${CELL / 2} 0 1 1 ${CELL} 0a${CELL / 2} ${CELL / 2} 0 1 1 -${CELL} 0Z`,
  `M${CELL / 2} 0L${CELL} ${CELL / 2}L${CELL / 2} ${CELL}L0 ${CELL / 2}Z`,
] as const;

/** What a provider's mark is drawn from: two by two cells of plain shapes. */
export interface MarkShapes {
  readonly tint: number;
  /** Outlines in reading order, with the cell's corner and whether it is the pale one. */
  readonly cells: readonly {
    readonly outline: string;
    readonly x: number;
    readonly y: number;
    readonly pale: boolean;
  }[];
}

/** The shapes for an id: the same on every page and in every build. */
export function markShapesOf(id: string): MarkShapes {
  let bits = fnv1a(id);
  const take = (count: number): number => {
    const taken = bits % count;
    bits = Math.floor(bits / count);
    return taken;
  };
  const tint = take(TINT_COUNT);
  const paleCell = take(4);
  const cells = [0, 1, 2, 3].map((cell) => ({
    outline: CELL_SHAPES[take(CELL_SHAPES.length)] ?? CELL_SHAPES[0],
    x: (cell % 2) * CELL,
    y: Math.floor(cell / 2) * CELL,
    pale: cell === paleCell,
  }));
  return { tint, cells };
}

/** FNV-1a, 32 bits: spreads short ids well. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}
