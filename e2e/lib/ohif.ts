import { createReadStream, statSync } from "node:fs";
import {
  createServer,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";
import { ArchiveServer } from "./archive.ts";

/** One request of the viewer, and how the archive answered. */
export interface Asked {
  method: string;
  path: string;
  status: number;
}

const TYPES: Record<string, string> = {
  ".css": "text/css",
  ".html": "text/html; charset=utf-8",
  ".ico": "image/x-icon",
  ".js": "text/javascript",
  ".json": "application/json",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
  ".woff2": "font/woff2",
};

/** What OHIF is told of the archive: all that it can ask of one, with quotation marks as the standard writes them. */
const CONFIGURATION = `window.config = ${JSON.stringify({
  routerBasename: "/",
  extensions: [],
  modes: [],
  showStudyList: true,
  defaultDataSourceName: "overread",
  dataSources: [
    {
      namespace: "@ohif/extension-default.dataSourcesModule.dicomweb",
      sourceName: "overread",
      configuration: {
        friendlyName: "Overread",
        name: "overread",
        qidoRoot: "/dicom-web",
        wadoRoot: "/dicom-web",
        wadoUriRoot: "/wado",
        qidoSupportsIncludeField: true,
        supportsReject: false,
        supportsStow: true,
        dicomUploadEnabled: true,
        imageRendering: "wadors",
        thumbnailRendering: "wadors",
        enableStudyLazyLoad: true,
        supportsFuzzyMatching: true,
        supportsWildcard: true,
        staticWado: false,
        singlepart: "bulkdata,video,pdf",
        bulkDataURI: { enabled: true },
        omitQuotationForMultipartRequest: false,
      },
    },
  ],
})};\n`;

/**
 * OHIF as its makers ship it, byte for byte but for its configuration, with an archive behind it.
 *
 * As a proxy of a hospital does, it adds the token to what the viewer asks of the archive.
 */
export class OhifServer {
  readonly asked: Asked[] = [];
  readonly address: string;
  private archiveAtHand: ArchiveServer | undefined;

  private constructor(
    private readonly dist: string,
    private readonly server: Server,
  ) {
    this.address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on("request", (asked, answer) => this.answer(asked, answer));
  }

  /** Serves the unpacked package in `dist`, with an archive on an empty folder. */
  static async start(dist: string): Promise<OhifServer> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
    const ohif = new OhifServer(dist, server);
    const settings = [
      `public_url = "${ohif.address}"`,
      `dicomweb.cors_origins = ["${ohif.otherOrigin}"]`,
    ];
    ohif.archiveAtHand = await ArchiveServer.start(settings.join("\n"));
    return ohif;
  }

  /** The same server by another name, which is another origin; its pages may ask the archive. */
  get otherOrigin(): string {
    return this.address.replace("127.0.0.1", "localhost");
  }

  get archive(): ArchiveServer {
    if (!this.archiveAtHand) throw new Error("the archive was not started");
    return this.archiveAtHand;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await this.archiveAtHand?.stop();
  }

  private answer(asked: IncomingMessage, answer: ServerResponse): void {
    const { pathname } = new URL(asked.url ?? "/", this.address);
    if (pathname.startsWith("/dicom-web/")) {
      this.forward(asked, answer);
      return;
    }
    if (pathname === "/app-config.js") {
      answer.writeHead(200, { "content-type": "text/javascript" }).end(CONFIGURATION);
      return;
    }
    const wanted = join(this.dist, normalize(pathname));
    // Its own addresses, as /viewer, are all its one page.
    const isFile = statSync(wanted, { throwIfNoEntry: false })?.isFile() ?? false;
    const file = isFile ? wanted : join(this.dist, "index.html");
    if (!isFile && extname(pathname))
      this.asked.push({ method: "GET", path: pathname, status: 404 });
    const type = TYPES[extname(file)] ?? "application/octet-stream";
    answer.writeHead(200, { "content-type": type });
    createReadStream(file).pipe(answer);
  }

  private forward(asked: IncomingMessage, answer: ServerResponse): void {
    const { authorization } = this.archive;
    const method = asked.method ?? "GET";
    const path = asked.url ?? "/";
    const onward = request(
      `${this.archive.address}${path}`,
      { method, headers: { ...asked.headers, authorization } },
      (response) => {
        const status = response.statusCode ?? 0;
        this.asked.push({ method, path, status });
        answer.writeHead(status, response.headers);
        response.pipe(answer);
      },
    );
    onward.on("error", () => {
      this.asked.push({ method, path, status: 502 });
      answer.destroy();
    });
    // The viewer breaks off what it no longer wants.
    answer.on("close", () => onward.destroy());
    asked.pipe(onward);
  }
}
