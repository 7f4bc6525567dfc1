// Makes a frame nicer where the host's script is there: its theme follows the page around it. Everything works without.
(function () {
  "use strict";
  var host = window.AP;
  try {
    if (host && host.theming && host.theming.initializeTheming) { host.theming.initializeTheming(); }
  } catch (ignored) { /* the colours of the system are right then, too */ }
  // A filter is applied when it is chosen; without this, by its button.
  document.querySelectorAll("form[data-quick] select").forEach(function (select) {
    select.addEventListener("change", function () { select.form.requestSubmit ? select.form.requestSubmit() : select.form.submit(); });
  });
  // All rows at once.
  var all = document.querySelector("input[data-all]");
  if (all) {
    // Its place was kept, so that nothing moves.
    all.closest("label").classList.remove("reserved");
    all.addEventListener("change", function () {
      document.querySelectorAll("input[name='finding']").forEach(function (one) { one.checked = all.checked; });
    });
  }
})();
