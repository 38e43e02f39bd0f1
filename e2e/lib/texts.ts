/** What people write on the way; nobody in it exists. */

export const ORIGINAL_REPORT = `EXAM: MRI LUMBAR SPINE WITHOUT CONTRAST
CLINICAL HISTORY: Low back pain with pain down the left leg for ten weeks.
TECHNIQUE: Sagittal T1, T2 and STIR, axial T1 and T2 sequences at 1.5 T.
COMPARISON: None.

FINDINGS:
Alignment is normal. Vertebral body heights are maintained. The conus terminates at L1 and is normal.
L3-L4: No disc herniation or stenosis.
L4-L5: Disc desiccation. Right paracentral disc protrusion measuring 5 mm, contacting the right L5 nerve root.
L5-S1: Disc desiccation with a mild disc bulge. No nerve root compression.

IMPRESSION:
1. Right paracentral disc protrusion at L4-L5 contacting the right L5 nerve root.
2. Mild degenerative disc disease at L5-S1.
`;

export const FIRST_IMPRESSION =
  "L4-L5: extrusion left of the midline, left L5 root displaced. L5-S1: dry disc and bulge.";

/** Sections of the second report by the ids of their fields. */
export const SECOND_REPORT: Record<string, string> = {
  findings: `Normal lumbar alignment. Vertebral body heights are preserved. The conus ends at L1.
L3-L4: No disc herniation or stenosis.
L4-L5: Disc desiccation. Left paracentral disc extrusion measuring 9 mm with caudal extension, compressing the traversing left L5 nerve root.
L5-S1: Disc desiccation with a mild disc bulge. No nerve root compression.`,
  impression:
    "1. Left paracentral disc extrusion at L4-L5 compressing the left L5 nerve root.\n2. Mild degenerative disc disease at L5-S1.",
  quality: "Diagnostic. Five series, complete. No motion.",
  alternatives: "None likely.",
  next_steps: "Correlate with a left L5 radiculopathy. Confirm the side before any procedure.",
  limitations: "No earlier exam was available.",
  plain_language:
    "A disc low in your back presses on a nerve on the left side. The first report said the right side.",
};
