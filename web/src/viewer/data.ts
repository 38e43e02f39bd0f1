/** A series as the page lists it, before anything of it was loaded. */
export interface SeriesEntry {
  seriesInstanceUid: string;
  modality: string;
  description: string;
  /** How many instances are stored. */
  instances: number;
}

/** A study of the case. */
export interface StudyEntry {
  studyInstanceUid: string;
  description: string;
  /** YYYYMMDD, or empty. */
  date: string;
  series: SeriesEntry[];
}

/** What the server wrote into the page for the viewer. */
export interface ViewerData {
  caseId: string;
  dicomwebRoot: string;
  studies: StudyEntry[];
  patient: { name: string; birthDate: string; id: string };
}

/** Checks the page's JSON; throws when it is not the viewer's. */
export function viewerData(value: unknown): ViewerData {
  const page = record(value);
  const patient = record(page.patient);
  if (typeof page.case_id !== "string") throw new Error("the page does not name its case");
  return {
    caseId: page.case_id,
    dicomwebRoot: text(page.dicomweb_root) || "/dicom-web",
    studies: list(page.studies).map(study),
    patient: {
      name: text(patient.name),
      birthDate: text(patient.birth_date).replaceAll("-", ""),
      id: text(patient.id),
    },
  };
}

function study(value: unknown): StudyEntry {
  const of = record(value);
  return {
    studyInstanceUid: text(of.study_instance_uid),
    description: text(of.description),
    date: text(of.date).replaceAll("-", ""),
    series: list(of.series).map((each) => {
      const series = record(each);
      return {
        seriesInstanceUid: text(series.series_instance_uid),
        modality: text(series.modality),
        description: text(series.description),
        instances: typeof series.instances === "number" ? series.instances : 0,
      };
    }),
  };
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
