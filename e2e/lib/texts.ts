/** What people write on the way; nobody in it exists. */

/** The answers of the request's wizard, by the names of its fields. */
export const REQUEST: Record<string, string> = {
  requester: "patient",
  patient_name: "Elena Rivera",
  patient_birth_date: "1979-06-14",
  patient_region: "US-WA",
  sender_email: "patient@demo.example",
  sender_phone: "+1 206 555 0143",
  sender_address: "27 Alder Street\nSeattle, WA 98101",
  modality: "MR",
  body_part: "lumbar spine",
  name: "MRI lumbar spine without contrast",
  first_reader: "Dr. R. Hale",
  date: "2026-09-14",
  facility: "Lakeside Imaging (fictional)",
  facility_address: "900 Lakeside Avenue\nSeattle, WA 98122",
  images_at: "me",
  report_at: "me",
  triggers: "surgery",
  symptoms: "Pain down the left leg for ten weeks.",
  question: "Which side does the disc press on?",
  reason: "Surgery was suggested.",
  diagnosis: "Disc protrusion L4-L5",
  physician_name: "Dr. Daniel Okafor",
  physician_email: "physician@demo.example",
  physician_role: "primary care physician",
  physician_phone: "+1 206 555 0187",
};

/** Facts of the letter that the case does not hold, by the names of their fields. */
export const LETTER: Record<string, string> = {
  "field.enclosures": "images\noriginal_report",
  "field.access.portal": "Lakeside Image Portal",
  "field.access.address": "https://portal.example/images",
};

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
  technique_quality: "Five series, complete. No motion.",
  alternatives: "None likely.",
  recommendations: "Correlate with a left L5 radiculopathy. Confirm the side before any procedure.",
  limits: "No earlier exam was available.",
  agreement: "Agreement on the level, disagreement on the side and the size.",
  plain:
    "A disc low in your back presses on a nerve on the left side. The first report said the right side.",
};
