import "../styles/index.css";
import { autosave } from "./behaviours/autosave.ts";
import { concordance } from "./behaviours/concordance.ts";
import { confirm } from "./behaviours/confirm.ts";
import { letterPreview } from "./behaviours/letter-preview.ts";
import { signOut } from "./behaviours/sign-out.ts";
import { sortable } from "./behaviours/sortable.ts";
import { unsavedForm } from "./behaviours/unsaved-form.ts";
import { uploadDelivery } from "./behaviours/upload-delivery.ts";
import { viewer } from "./behaviours/viewer.ts";
import { startBehaviours } from "./lib/behaviour.ts";

document.documentElement.classList.add("has-script");
startBehaviours(document.body, {
  autosave,
  concordance,
  confirm,
  "letter-preview": letterPreview,
  "sign-out": signOut,
  sortable,
  "unsaved-form": unsavedForm,
  "upload-delivery": uploadDelivery,
  viewer,
});
