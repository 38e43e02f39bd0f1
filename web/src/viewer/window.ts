import type { Frame, ImageSeries, Window } from "./frames.ts";

/** A named window that a person can pick. */
export interface Preset {
  name: string;
  /** Makes the window; `null` when this picture gives none. */
  window: (of: PresetSource) => Window | null;
}

/** What a preset may look at. */
export interface PresetSource {
  /** The window stored with the picture. */
  stored: Window | null;
  /** The picture's values as the modality means them. */
  values: ArrayLike<number> | null;
}

// Usual reading windows in Hounsfield units, as width and level.
const CT: ReadonlyArray<readonly [string, number, number]> = [
  ["Soft tissue", 400, 40],
  ["Lung", 1500, -600],
  ["Bone", 2000, 500],
  ["Brain", 80, 40],
  ["Spine bone", 1800, 400],
];

const STORED: Preset = { name: "As stored", window: ({ stored }) => stored };
const AUTO: Preset = { name: "Automatic", window: ({ values }) => automatic(values, 0.01, 0.99) };

/** MR has no unit: its windows follow the picture. */
const RELATIVE: readonly Preset[] = [
  STORED,
  AUTO,
  { name: "High contrast", window: (of) => scaled(base(of), 0.55) },
  { name: "Low contrast", window: (of) => scaled(base(of), 1.8) },
  { name: "Full range", window: ({ values }) => automatic(values, 0, 1) },
];

/** Returns the presets for a series; the first four have the keys 1 to 4. */
export function presetsFor(series: ImageSeries | null): readonly Preset[] {
  if (series?.frames[0]?.isColor) return [];
  if (series?.modality !== "CT") return RELATIVE;
  return [
    ...CT.map(([name, width, center]) => ({ name, window: () => ({ center, width }) })),
    STORED,
    AUTO,
  ];
}

function base(of: PresetSource): Window | null {
  return of.stored ?? automatic(of.values, 0.01, 0.99);
}

function scaled(window: Window | null, by: number): Window | null {
  return window ? { center: window.center, width: Math.max(1, window.width * by) } : null;
}

/** A window from one share of the values to another, as 0 to 1; looks at some 20,000 of them. */
export function automatic(
  values: ArrayLike<number> | null,
  from: number,
  to: number,
): Window | null {
  if (!values || values.length === 0) return null;
  const step = Math.max(1, Math.floor(values.length / 20_000));
  const sample: number[] = [];
  for (let at = 0; at < values.length; at += step) sample.push(values[at] ?? 0);
  sample.sort((a, b) => a - b);
  const low = sample[Math.floor(from * (sample.length - 1))] ?? 0;
  const high = sample[Math.ceil(to * (sample.length - 1))] ?? 0;
  const width = Math.max(1, high - low);
  return { center: low + width / 2, width };
}

/** Share of a page's values that a stored window must show, else it is taken for a mistake. */
const PAGE_SHOWN_FROM = 0.2;

/** The window a picture opens with: the stored one, unless it would leave of a captured page almost nothing. */
export function firstWindow(
  frame: Pick<Frame, "window" | "isCapture">,
  values: ArrayLike<number> | null,
): Window | null {
  const stored = frame.window;
  if (!frame.isCapture) return stored ?? automatic(values, 0.01, 0.99);
  const full = automatic(values, 0, 1);
  if (!stored || !full) return stored ?? full;
  const { lower, upper } = rangeOf(stored);
  const [low, high] = [full.center - full.width / 2, full.center + full.width / 2];
  const shown = (Math.min(upper, high) - Math.max(lower, low)) / full.width;
  return shown < PAGE_SHOWN_FROM ? full : stored;
}

/** The lowest and highest value of a window (PS3.3 C.11.2.1.2.1). */
export function rangeOf(window: Window): { lower: number; upper: number } {
  const half = (Math.max(1, window.width) - 1) / 2;
  return { lower: window.center - 0.5 - half, upper: window.center - 0.5 + half };
}
