//! What people write in the demonstration. Nobody in it exists.

/// The report that came with the disc: it names the wrong side and misses the fissure.
pub(crate) const ORIGINAL_REPORT: &str = "\
EXAM: MRI LUMBAR SPINE WITHOUT CONTRAST
CLINICAL HISTORY: Low back pain with pain down the left leg for ten weeks. Rule out disc herniation.
TECHNIQUE: Sagittal T1, T2 and STIR, axial T1 and T2 sequences at 1.5 T.
COMPARISON: None.

FINDINGS:
Alignment is normal. Vertebral body heights are maintained. The conus terminates at L1 and is normal.
L1-L2: No disc herniation or stenosis.
L2-L3: No disc herniation or stenosis.
L3-L4: No disc herniation or stenosis.
L4-L5: Disc desiccation. Right paracentral disc protrusion measuring 5 mm, contacting the right L5 nerve root. Mild central canal stenosis.
L5-S1: Disc desiccation with a mild disc bulge. No nerve root compression. No annular fissure.
Paraspinal muscles are unremarkable.

IMPRESSION:
1. Right paracentral disc protrusion at L4-L5 contacting the right L5 nerve root.
2. Mild degenerative disc disease at L5-S1.
";

/// What the reviewer saw before the original report opened.
pub(crate) const FIRST_IMPRESSION: &str = "\
L4-L5: extrusion left of the midline with a downward component, left L5 root displaced. \
L5-S1: dry disc, bulge, posterior annular fissure near the midline. Fatty endplate change L5-S1.";

/// Sections of the second report, by their ids.
pub(crate) const SECOND_REPORT: [(&str, &str); 11] = [
    ("comparison", "None available."),
    (
        "findings",
        "Normal lumbar alignment. Vertebral body heights are preserved. The conus ends at L1 and is normal in signal.\n\
         L1-L2 to L3-L4: No disc herniation, no canal or foraminal stenosis.\n\
         L4-L5: Disc desiccation. Left paracentral disc extrusion measuring 9 mm with caudal extension, compressing the \
         traversing left L5 nerve root. Mild central canal stenosis.\n\
         L5-S1: Disc desiccation with a mild disc bulge and a posterior annular fissure near the midline. \
         Fatty endplate changes (Modic type 2). No nerve root compression.\n\
         Mild fatty infiltration of the lower multifidus muscles.",
    ),
    (
        "impression",
        "1. Left paracentral disc extrusion at L4-L5 compressing the left L5 nerve root. The side fits the symptoms.\n\
         2. L5-S1 degenerative disc disease with an annular fissure and Modic type 2 changes.",
    ),
    (
        "technique_quality",
        "Five series, complete from T11 to S2; axial images cover all five lumbar discs. No motion.",
    ),
    ("quality", "diagnostic"),
    ("agreement_overall", "differs_major"),
    (
        "agreement",
        "Agreement on level and canal width. Disagreement on the side and size of the L4-L5 disc lesion; the fissure at \
         L5-S1 is not in the first report.",
    ),
    (
        "alternatives",
        "None likely. A synovial cyst has another signal and site.",
    ),
    (
        "recommendations",
        "Correlate with a left L5 radiculopathy. Before any procedure, confirm the side on these images. \
         Surgical opinion if weakness appears or pain persists.",
    ),
    (
        "limits",
        "Based on the images and the first report only. No earlier exam was available.",
    ),
    (
        "plain",
        "A disc low in your back has moved out of place and presses on a nerve on the left side. \
         The first report said the right side. Please show both reports to your doctor before any treatment.",
    ),
];
