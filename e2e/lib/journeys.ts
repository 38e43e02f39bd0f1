/** What people write on the way; nobody in it exists. */

/** One disc's way: whose it is, and what everybody writes about it. */
export interface Journey {
  /** Its name in pictures. */
  name: string;
  /** The role that asks. */
  asker: string;
  patientName: string;
  /** How the study is told about after the upload. */
  exam: RegExp;
  /** The request's question, as the last screen must show it. */
  question: string;
  /** The answers of the request's wizard, by the names of its fields. */
  request: Record<string, string>;
  /** The answers of the consent form. */
  consent: Record<string, string>;
  /** Facts of the letter that the case does not hold. */
  letter: Record<string, string>;
  originalReport: string;
  /** Words of the original report that nobody may read before the lock. */
  originalWords: string;
  firstImpression: string;
  /** Choices of the second report by the names of their fields. */
  choices: Record<string, string>;
  /** What the reviewer says when the signed category is not what the own report says. */
  whyDifferent?: string;
  /** Sections of the second report by the ids of their fields. */
  secondReport: Record<string, string> & { findings: string };
}

const LETTER = {
  "field.enclosures": "images\noriginal_report",
  "field.access.portal": "Lakeside Image Portal",
  "field.access.address": "https://portal.example/images",
};

const PEOPLE = {
  patient_region: "US-WA",
  sender_phone: "+1 206 555 0143",
  sender_address: "27 Alder Street\nSeattle, WA 98101",
  modality: "MR",
  first_reader: "Dr. R. Hale",
  date: "2026-09-14",
  images_at: "me",
  report_at: "me",
  triggers: "surgery",
  reason: "Surgery was suggested.",
  physician_name: "Dr. Daniel Okafor",
  physician_email: "physician@demo.example",
  physician_role: "primary care physician",
  physician_phone: "+1 206 555 0187",
};

/** A patient's own disc, made by our generator. */
export const SPINE: Journey = {
  name: "spine",
  asker: "patient",
  patientName: "Elena Rivera",
  exam: /lumbar/i,
  question: "Which side does the disc press on?",
  request: {
    ...PEOPLE,
    requester: "patient",
    patient_name: "Elena Rivera",
    patient_birth_date: "1979-06-14",
    sender_email: "patient@demo.example",
    body_part: "lumbar spine",
    name: "MRI lumbar spine without contrast",
    facility: "Lakeside Imaging (fictional)",
    facility_address: "900 Lakeside Avenue\nSeattle, WA 98122",
    symptoms: "Pain down the left leg for ten weeks.",
    question: "Which side does the disc press on?",
    diagnosis: "Disc protrusion L4-L5",
  },
  consent: { signature: "Elena Rivera" },
  letter: LETTER,
  originalReport: `EXAM: MRI LUMBAR SPINE WITHOUT CONTRAST
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
`,
  originalWords: "Right paracentral disc protrusion",
  firstImpression:
    "L4-L5: extrusion left of the midline, left L5 root displaced. L5-S1: dry disc and bulge.",
  choices: { quality: "diagnostic", agreement_overall: "differs_major" },
  secondReport: {
    findings: `Normal lumbar alignment. Vertebral body heights are preserved. The conus ends at L1.
L3-L4: No disc herniation or stenosis.
L4-L5: Disc desiccation. Left paracentral disc extrusion measuring 9 mm with caudal extension, compressing the traversing left L5 nerve root.
L5-S1: Disc desiccation with a mild disc bulge. No nerve root compression.`,
    impression:
      "1. Left paracentral disc extrusion at L4-L5 compressing the left L5 nerve root.\n2. Mild degenerative disc disease at L5-S1.",
    technique_quality: "Five series, complete. No motion.",
    comparison: "None available.",
    alternatives: "None likely.",
    recommendations: "Correlate with a left L5 radiculopathy. Confirm the side before any procedure.",
    limits: "No earlier exam was available.",
    agreement: "Agreement on the level, disagreement on the side and the size.",
    plain:
      "A disc low in your back presses on a nerve on the left side. The first report said the right side.",
  },
};

/** A disc as a hospital burns it, brought by somebody who acts for the patient. */
export const WRIST: Journey = {
  name: "wrist",
  asker: "representative",
  patientName: "Alice J. Morgan",
  exam: /wrist/i,
  question: "Is the ligament between scaphoid and lunate torn?",
  request: {
    ...PEOPLE,
    requester: "personal_representative",
    patient_name: "Alice J. Morgan",
    patient_birth_date: "1978-03-12",
    sender_name: "Carlos Rivera",
    relation: "patient",
    authority: "health-care power of attorney",
    sender_email: "representative@demo.example",
    body_part: "left wrist",
    name: "MRI left wrist without contrast",
    facility: "Riverside Imaging Center (fictional)",
    facility_address: "12 River Road\nSpokane, WA 99201",
    symptoms: "Pain on the thumb side of the left wrist since a fall.",
    question: "Is the ligament between scaphoid and lunate torn?",
    diagnosis: "Wrist sprain",
  },
  consent: { signature: "Carlos Rivera", authority: "health-care power of attorney" },
  letter: LETTER,
  originalReport: `EXAM: MRI OF THE LEFT WRIST WITHOUT CONTRAST
HISTORY: Pain after a fall.

FINDINGS:
Bones: No fracture. No bone marrow edema.
Ligaments: The scapholunate ligament is intact. The lunotriquetral ligament is intact.
Tendons: The flexor and extensor tendons are intact.
Triangular fibrocartilage: Intact.

IMPRESSION:
No fracture. No ligament tear.
`,
  originalWords: "The scapholunate ligament is intact",
  firstImpression: "Scapholunate ligament looks torn. No fracture.",
  choices: { quality: "limited", agreement_overall: "agree" },
  whyDifferent: "The choice in my report was a slip; the ligament is torn.",
  secondReport: {
    findings: `No fracture. No bone marrow edema.
Complete tear of the scapholunate ligament with a gap of 4 mm. The lunotriquetral ligament is intact.
The flexor and extensor tendons are intact. The triangular fibrocartilage is intact.`,
    impression: "Complete tear of the scapholunate ligament. No fracture.",
    technique_quality: "Coronal T1 series only. Fluid-sensitive series are missing.",
    comparison: "None available.",
    alternatives: "None likely.",
    recommendations: "See a hand surgeon within a week. Repeat the MRI with fluid-sensitive series.",
    limits: "No fluid-sensitive series was on the disc.",
    agreement: "Agreement on the bones, disagreement on the scapholunate ligament.",
    plain:
      "A ligament in the wrist looks torn. The first report said that it is whole.",
  },
};
