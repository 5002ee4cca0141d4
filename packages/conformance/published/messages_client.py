"""A client as integrators were taught to write it: the requests library, the key as a bearer token, the body
serialised by hand, HTTP errors raised. It knows nothing of us but a base URL and a key."""

import json
import os

import requests

BASE_URL = os.environ["API_BASE_URL"]
HEADERS = {
    "Authorization": f"Bearer {os.environ['API_KEY']}",
    "Content-Type": "application/json",
}
MESSAGE = {"to": "channel-7", "type": "text", "content": {"text": "The night shift begins"}}

try:
    answer = requests.post(f"{BASE_URL}/messages", headers=HEADERS, data=json.dumps(MESSAGE))
    answer.raise_for_status()
    print(f"sent: {json.dumps(answer.json())}")
except requests.exceptions.HTTPError as error:
    print(f"refused: {error}")
    print(f"content: {error.response.text}")
