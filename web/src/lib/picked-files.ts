/** A chosen file with its path inside the chosen folder. */
export interface PickedFile {
  file: File;
  path: string;
}

/** How deep dropped folders are followed. */
const MAX_DEPTH = 32;

/** Reads the files of a file or folder input. */
export function ofInput(input: HTMLInputElement): PickedFile[] {
  return [...(input.files ?? [])].map((file) => ({
    file,
    path: file.webkitRelativePath || file.name,
  }));
}

/**
 * Reads what was dropped, folders with all that is in them.
 *
 * Must be called in the drop event itself: the browser empties the list right after it.
 */
export function ofDrop(transfer: DataTransfer): Promise<PickedFile[]> {
  const entries = [...transfer.items]
    .filter((item) => item.kind === "file")
    .map((item) => item.webkitGetAsEntry());
  if (entries.every((entry) => entry === null)) {
    return Promise.resolve([...transfer.files].map((file) => ({ file, path: file.name })));
  }
  return walkAll(
    entries.filter((entry) => entry !== null),
    0,
  );
}

async function walkAll(entries: FileSystemEntry[], depth: number): Promise<PickedFile[]> {
  const found: PickedFile[] = [];
  if (depth > MAX_DEPTH) return found;
  for (const entry of entries) {
    if (isFile(entry)) {
      const file = await new Promise<File>((resolve, reject) => entry.file(resolve, reject));
      found.push({ file, path: entry.fullPath.replace(/^\//, "") });
    } else if (isDirectory(entry)) {
      found.push(...(await walkAll(await list(entry), depth + 1)));
    }
  }
  return found;
}

const isFile = (entry: FileSystemEntry): entry is FileSystemFileEntry => entry.isFile;
const isDirectory = (entry: FileSystemEntry): entry is FileSystemDirectoryEntry =>
  entry.isDirectory;

/** Lists a folder; the browser gives it in portions of a hundred. */
async function list(directory: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = directory.createReader();
  const all: FileSystemEntry[] = [];
  for (;;) {
    const part = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (part.length === 0) return all;
    all.push(...part);
  }
}

/** Whether a file is an archive already and goes as it is. */
export function isZip(file: PickedFile): boolean {
  return file.path.toLowerCase().endsWith(".zip");
}

/** Files that every computer puts into folders and that nobody means to send. */
export function isLitter(file: PickedFile): boolean {
  const name = file.path.split("/").pop() ?? "";
  return (
    name === ".DS_Store" || name === "Thumbs.db" || name === "desktop.ini" || name.startsWith("._")
  );
}
