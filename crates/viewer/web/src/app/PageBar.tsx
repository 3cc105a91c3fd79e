/** The pages of panels, and what can be done with them. */
import { useRef, useState } from "preact/hooks";
import { PANELS } from "../panels/registry";
import { useDraft } from "./hooks";
import { Icon } from "./icons";
import { Menu } from "./Menu";
import { layoutLink, readLayoutFile, saveLayoutFile } from "./share";
import type { Place } from "./state";
import {
  addCameraPage,
  addPage,
  addPages,
  openPanel,
  page,
  pages,
  removePage,
  renamePage,
  resetLayout,
  showPage,
} from "./workspace";

export function PageBar({ place }: { place: Place }) {
  return (
    <div class="page-bar">
      <nav class="pages" aria-label="Pages">
        {pages.value.map((each) => (
          <button
            key={each.id}
            type="button"
            aria-current={each === page.value ? "page" : undefined}
            onClick={() => showPage(each.id)}
          >
            {each.name || "Page without a name"}
          </button>
        ))}
      </nav>
      <Menu label="Add" icon="add" class="add-menu">
        {Object.entries(PANELS).map(
          ([kind, { title, icon, isAddable }]) =>
            isAddable && (
              <button key={kind} type="button" onClick={() => openPanel({ kind })}>
                <Icon path={icon} /> {title}
              </button>
            ),
        )}
        <p class="hint">A topic's panel is opened in the list of topics.</p>
      </Menu>
      <LayoutMenu place={place} />
    </div>
  );
}

function LayoutMenu({ place }: { place: Place }) {
  const [outcome, setOutcome] = useState<string>();
  const file = useRef<HTMLInputElement>(null);
  const nameField = useDraft(page.value?.name ?? "", renamePage);
  const tell = (what: Promise<string>) => {
    what.then(setOutcome, (error: unknown) =>
      setOutcome(error instanceof Error ? error.message : String(error)),
    );
  };
  const copyLink = async () => {
    const link = await layoutLink(pages.value);
    await navigator.clipboard.writeText(link);
    return "The link is in the clipboard";
  };
  const open = async (chosen: File | undefined) => {
    if (chosen) {
      addPages(await readLayoutFile(chosen));
    }
    return "";
  };
  return (
    <>
      <Menu label="Layout" icon="layers" class="layout-menu">
        <label class="field">
          <span>Page name</span>
          <input type="text" maxLength={60} {...nameField} />
        </label>
        <button type="button" onClick={addPage}>
          <Icon name="add" /> New page
        </button>
        <button type="button" onClick={() => addCameraPage(place.robot)}>
          <Icon name="picture" /> Page of all cameras
        </button>
        <button type="button" disabled={pages.value.length < 2} onClick={removePage}>
          <Icon name="close" /> Remove this page
        </button>
        <hr />
        <button type="button" onClick={() => tell(copyLink())}>
          <Icon name="share" /> Copy a link with all pages
        </button>
        <button type="button" onClick={() => saveLayoutFile(pages.value, place.robot.name)}>
          <Icon name="down" /> Save all pages to a file
        </button>
        <button type="button" onClick={() => file.current?.click()}>
          <Icon name="up" /> Add pages from a file
        </button>
        <hr />
        <button type="button" onClick={() => resetLayout(place.robot)}>
          <Icon name="reset" /> Reset layout
        </button>
      </Menu>
      <input
        type="file"
        class="hidden"
        accept=".json,application/json"
        aria-label="File with pages"
        tabIndex={-1}
        ref={file}
        onChange={(event) => {
          tell(open(event.currentTarget.files?.[0]));
          event.currentTarget.value = "";
        }}
      />
      <small role="status" class="outcome">
        {outcome}
      </small>
    </>
  );
}
