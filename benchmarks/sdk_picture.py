"""The same job over the official SDK: submit, wait, download."""

import os
import sys
import urllib.request

import dashscope
from dashscope import ImageSynthesis

dashscope.base_http_api_url = os.environ["DASHSCOPE_HTTP_BASE_URL"]
answer = ImageSynthesis.call(model="wan2.2-t2i-flash", prompt=sys.argv[1], n=1, size="1024*1024")
assert answer.status_code == 200, answer
urllib.request.urlretrieve(answer.output.results[0].url, sys.argv[2])
