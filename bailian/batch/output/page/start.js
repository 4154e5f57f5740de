// --- the page begins: with its first records, then with all

know(JSON.parse($("records").textContent));
read_address();
read_picks();
head();
tools();
viewer();
comparer();
show();
grid();
picks_bar();
addEventListener("hashchange", () => { read_address(); show(); picks_bar(); });

// Block by block, so that the page answers meanwhile.
async function read_on() {
  const more = document.querySelectorAll("script.more"), breath = () => new Promise((done) => setTimeout(done));
  for (const block of more) {
    know(JSON.parse(block.textContent));
    await breath();
  }
  complete = true;
  if (more.length) { show(); picks_bar(); await breath(); } else count();
  $("by_model").hidden = Object.keys(sums.models).length < 2 || !groups_of(records).length;
}

addEventListener("DOMContentLoaded", read_on);
