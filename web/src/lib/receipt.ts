import { count } from "./words.ts";

/** One file that could not be used, and why. */
export interface ReceiptProblem {
  path: string;
  message: string;
}

/** A study as a delivery's receipt names it. */
export interface ReceiptStudy {
  uid: string;
  patientName: string;
  /** The series' modality, description and image count, by their UID. */
  series: Map<string, { modality: string; description: string; instances: number }>;
}

/** What several answers of the deliveries address add up to. */
export interface Receipt {
  delivery: string | null;
  stored: number;
  duplicates: number;
  documents: string[];
  studies: Map<string, ReceiptStudy>;
  problems: ReceiptProblem[];
  /** What waits for a coordinator, in words. */
  waiting: string[];
  /** Why the server could not be reached to the end; nothing is known then of what was not answered. */
  lost: string | null;
}

/** A receipt of nothing. */
export function emptyReceipt(): Receipt {
  return {
    delivery: null,
    stored: 0,
    duplicates: 0,
    documents: [],
    studies: new Map(),
    problems: [],
    waiting: [],
    lost: null,
  };
}

/** Adds the JSON answer of one upload; what is not there counts as nothing. */
export function addAnswer(receipt: Receipt, answer: unknown): void {
  const of = record(answer);
  receipt.delivery ??= text(of.delivery) || null;
  receipt.stored += number(of.instances_stored);
  receipt.duplicates += number(of.duplicates);
  for (const document of list(of.documents)) {
    receipt.documents.push(text(document) || text(record(document).name) || "a document");
  }
  for (const problem of list(of.problems)) {
    const { path, kind, message } = record(problem);
    if (kind === "held-back") receipt.waiting.push(text(message));
    else receipt.problems.push({ path: text(path), message: text(message) });
  }
  for (const study of list(of.studies)) addStudy(receipt, record(study));
}

function addStudy(receipt: Receipt, of: Record<string, unknown>): void {
  const uid = text(of.study_instance_uid);
  const study = receipt.studies.get(uid) ?? {
    uid,
    patientName: text(of.patient_name),
    series: new Map(),
  };
  receipt.studies.set(uid, study);
  for (const each of list(of.series)) {
    const part = record(each);
    const key = text(part.series_instance_uid);
    const known = study.series.get(key)?.instances ?? 0;
    study.series.set(key, {
      modality: text(part.modality),
      description: text(part.description),
      instances: known + number(part.instances),
    });
  }
}

/** Says whether anything came through. */
export function hasArrived(receipt: Receipt): boolean {
  return receipt.stored + receipt.documents.length + receipt.duplicates > 0;
}

/** Says in plain words what arrived. */
export function sentences(receipt: Receipt): string[] {
  const said: string[] = [];
  const { stored, duplicates, documents, problems } = receipt;
  if (stored > 0)
    said.push(
      `${count(stored, "image file")} arrived and ${stored === 1 ? "is" : "are"} stored safely.`,
    );
  if (duplicates > 0)
    said.push(
      `${count(duplicates, "image file")} ${duplicates === 1 ? "was" : "were"} here already.`,
    );
  if (documents.length > 0) said.push(`${count(documents.length, "document")} arrived.`);
  if (receipt.lost) {
    said.push(
      `${receipt.lost} What arrived before is kept. Choose the files again when it is back; what is here already is not stored twice.`,
    );
  } else if (!hasArrived(receipt)) {
    said.push("No medical images or documents were found in what you sent.");
  }
  if (receipt.waiting.length > 0) {
    said.push(
      "Some of it waits for a coordinator, who must first find out whose images they are. Until then nobody else sees them.",
    );
  }
  if (problems.length > 0) {
    said.push(`${count(problems.length, "file")} could not be used. The reasons are listed below.`);
  }
  return said;
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
function number(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) ? value : 0;
}
