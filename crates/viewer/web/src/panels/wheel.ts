/** The wheel over a view: it zooms, unless the page has more below and the view was not pressed before. */

/** Whether a turn of the wheel over a view scrolls the page. With Ctrl, as two fingers on a touchpad send it, it never does. */
export function scrollsPage(event: WheelEvent, view: HTMLElement): boolean {
  const page = view.closest(".page");
  const canScroll = page !== null && page.scrollHeight > page.clientHeight + 1;
  return canScroll && !event.ctrlKey && document.activeElement !== view && !view.closest(".maximized");
}
