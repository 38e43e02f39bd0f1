import { dicomDate } from "../lib/words.ts";
import type { SeriesEntry, StudyEntry, ViewerData } from "./data.ts";
import { type DataSet, text } from "./dicom-json.ts";
import { DicomWeb } from "./dicomweb.ts";
import type { Engine } from "./engine.ts";
import { buildSeries, type ImageSeries, type Series } from "./frames.ts";
import { kindOfModality } from "./kinds.ts";
import { unfoldPalette } from "./palette.ts";

/** The case's series: each is asked for once, when something needs it. */
export class Library {
  private readonly dicomweb: DicomWeb;
  private readonly asked = new Map<string, Promise<Series>>();
  private readonly known = new Map<string, Series>();

  constructor(
    /** Those of the exam asked about first, then newest first. */
    readonly studies: readonly StudyEntry[],
    data: ViewerData,
    private readonly engine: Promise<Engine>,
  ) {
    this.dicomweb = new DicomWeb(data.dicomwebRoot);
  }

  /** Every series of the case with its study, in the order of the list. */
  all(): Array<{ study: StudyEntry; entry: SeriesEntry }> {
    return this.studies.flatMap((study) => study.series.map((entry) => ({ study, entry })));
  }

  /** The series that may hold pictures. */
  pictures(): Array<{ study: StudyEntry; entry: SeriesEntry }> {
    return this.all().filter(({ entry }) => !kindOfModality(entry.modality));
  }

  /** Loads a series' metadata; a failure is forgotten, so that the next call tries again. */
  load(study: StudyEntry, entry: SeriesEntry): Promise<Series> {
    const uid = entry.seriesInstanceUid;
    const before = this.asked.get(uid);
    if (before) return before;
    const loading = this.fetch(study.studyInstanceUid, uid);
    this.asked.set(uid, loading);
    loading.then(
      (series) => this.known.set(uid, series),
      () => this.asked.delete(uid),
    );
    return loading;
  }

  /** The series, when it is loaded and holds pictures. */
  imagesOf(uid: string): ImageSeries | null {
    const series = this.known.get(uid);
    return series?.kind === "images" ? series : null;
  }

  /** The study of a series. */
  studyOf(series: ImageSeries): StudyEntry | undefined {
    return this.studies.find((study) =>
      study.series.some((entry) => entry.seriesInstanceUid === series.uid),
    );
  }

  /** What a study is beside the one asked about. */
  standing(study: StudyEntry): string {
    if (this.isPrior(study)) return "Prior";
    const asked = this.studies[0]?.date ?? "";
    return asked !== "" && study.date > asked ? "Later" : "Current";
  }

  /** Whether a study is older than the one asked about. */
  isPrior(study: StudyEntry): boolean {
    return study.date !== "" && study.date < (this.studies[0]?.date ?? "");
  }

  /** What to call a series' study on its pane. */
  studyWords(series: ImageSeries): { words: string; isPrior: boolean } {
    const study = this.studyOf(series);
    const isPrior = study ? this.isPrior(study) : false;
    const date = dicomDate(series.studyDate || study?.date || "") || "date not given";
    return { words: isPrior ? `Prior, ${date}` : `Study of ${date}`, isPrior };
  }

  private async fetch(studyUid: string, seriesUid: string): Promise<Series> {
    const instances = await this.dicomweb.seriesMetadata(studyUid, seriesUid);
    const series = buildSeries(seriesUid, instances, (sop, frame) =>
      this.dicomweb.frameUrl(studyUid, seriesUid, sop, frame),
    );
    if (series.kind !== "images") return series;
    const engine = await this.engine;
    const bySop = new Map(instances.map((instance) => [text(instance, "00080018"), instance]));
    const noColours = await this.unfoldPalettes(bySop, studyUid, seriesUid);
    // Frame 1 first: the loader looks the metadata of a multi-frame up there.
    for (const frame of [...series.frames].sort((a, b) => a.frameNumber - b.frameNumber)) {
      const sop = frame.key.split("/")[0] ?? "";
      const instance = bySop.get(sop);
      const failure = noColours.get(sop) ?? unreadable(instance);
      if (failure) engine.refuse(frame.imageId, failure);
      else if (instance) engine.describe(frame.imageId, instance);
    }
    return series;
  }

  /** Brings in the colour tables; what fails, by SOP Instance UID, fails alone. */
  private async unfoldPalettes(
    bySop: ReadonlyMap<string, DataSet>,
    studyUid: string,
    seriesUid: string,
  ): Promise<Map<string, Error>> {
    const failures = new Map<string, Error>();
    for (const [sop, instance] of bySop) {
      const own = this.dicomweb.frameUrl(studyUid, seriesUid, sop, 1);
      try {
        await unfoldPalette(instance, (uri) => this.dicomweb.bulkData(uri, own));
      } catch (failure) {
        failures.set(sop, failure instanceof Error ? failure : new Error(String(failure)));
      }
    }
    return failures;
  }
}

/** Pictures that would make the decoder neither finish nor fail. */
function unreadable(instance: DataSet | undefined): Error | null {
  // PS3.3 C.7.6.3: Photometric Interpretation is required, old files lack it all the same.
  const says = instance ? text(instance, "00280004") : "";
  return says ? null : new Error("the picture does not say what its values mean");
}
