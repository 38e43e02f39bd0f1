import { plainWords, RequestFailure } from "../lib/fetch.ts";
import type { DataSet } from "./dicom-json.ts";
import { onlyPart } from "./palette.ts";

/** The archive's door for pictures, as the signed-in person may use it. */
export class DicomWeb {
  private readonly root: string;

  constructor(root: string) {
    this.root = new URL(root, document.baseURI).href.replace(/\/$/, "");
  }

  /** Fetches the metadata of all instances of a series. */
  async seriesMetadata(studyUid: string, seriesUid: string): Promise<DataSet[]> {
    const url = `${this.series(studyUid, seriesUid)}/metadata`;
    const response = await this.get(url, "application/dicom+json");
    const body: unknown = await response.json();
    if (!Array.isArray(body)) throw new RequestFailure("The answer could not be read.", 200);
    return body as DataSet[];
  }

  /** Fetches bytes to which an instance's metadata refers; a relative address is the instance's. */
  async bulkData(uri: string, frameUrl: string): Promise<Uint8Array> {
    const instanceUrl = frameUrl.replace(/frames\/\d+$/, "");
    const accept = 'multipart/related; type="application/octet-stream"';
    const response = await this.get(new URL(uri, instanceUrl).href, accept);
    const body = new Uint8Array(await response.arrayBuffer());
    return onlyPart(body, response.headers.get("Content-Type") ?? "");
  }

  /** The address of one frame, counted from 1. */
  frameUrl(studyUid: string, seriesUid: string, sopInstanceUid: string, frame: number): string {
    return `${this.series(studyUid, seriesUid)}/instances/${encodeURIComponent(sopInstanceUid)}/frames/${frame}`;
  }

  private async get(url: string, accept: string): Promise<Response> {
    let response: Response;
    try {
      response = await fetch(url, { credentials: "same-origin", headers: { Accept: accept } });
    } catch {
      throw new RequestFailure(plainWords(0), 0);
    }
    if (response.ok) return response;
    throw new RequestFailure(plainWords(response.status), response.status);
  }

  private series(studyUid: string, seriesUid: string): string {
    return `${this.root}/studies/${encodeURIComponent(studyUid)}/series/${encodeURIComponent(seriesUid)}`;
  }
}
