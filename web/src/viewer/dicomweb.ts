import { plainWords, RequestFailure } from "../lib/fetch.ts";
import type { DataSet } from "./dicom-json.ts";

/** The archive's door for pictures, as the signed-in person may use it. */
export class DicomWeb {
  private readonly root: string;

  constructor(root: string) {
    this.root = new URL(root, document.baseURI).href.replace(/\/$/, "");
  }

  /** Fetches the metadata of all instances of a series. */
  async seriesMetadata(studyUid: string, seriesUid: string): Promise<DataSet[]> {
    const url = `${this.series(studyUid, seriesUid)}/metadata`;
    let response: Response;
    try {
      response = await fetch(url, {
        credentials: "same-origin",
        headers: { Accept: "application/dicom+json" },
      });
    } catch {
      throw new RequestFailure(plainWords(0), 0);
    }
    if (!response.ok) throw new RequestFailure(plainWords(response.status), response.status);
    const body: unknown = await response.json();
    if (!Array.isArray(body)) throw new RequestFailure("The answer could not be read.", 200);
    return body as DataSet[];
  }

  /** The address of one frame, counted from 1. */
  frameUrl(studyUid: string, seriesUid: string, sopInstanceUid: string, frame: number): string {
    return `${this.series(studyUid, seriesUid)}/instances/${encodeURIComponent(sopInstanceUid)}/frames/${frame}`;
  }

  private series(studyUid: string, seriesUid: string): string {
    return `${this.root}/studies/${encodeURIComponent(studyUid)}/series/${encodeURIComponent(seriesUid)}`;
  }
}
