// Stands in for the script that the host lets apps load. It tells the page around a frame how high the frame's content is, and has no colours to give:
// the browser gives them to the frame already.
(function () {
  "use strict";
  var host = new URL(document.currentScript.src).origin;
  var content = document.querySelector(".ac-content");
  window.AP = { theming: { initializeTheming: function () {} } };
  if (!content || window.parent === window) { return; }
  new ResizeObserver(function () {
    window.parent.postMessage({ height: Math.ceil(content.getBoundingClientRect().height) }, host);
  }).observe(content);
})();
