"""A client as integrators were taught to write it: the requests library, the key as a bearer token, the body
serialised by hand. Prints the answer, or what went wrong."""

import json
import os

import requests

base_url = os.environ["API_BASE_URL"]
headers = {
    "Authorization": f"Bearer {os.environ['API_KEY']}",
    "Content-Type": "application/json",
}
message = {"to": "channel-7", "type": "text", "content": {"text": "The night shift begins"}}

try:
    answer = requests.post(f"{base_url}/messages", headers=headers, data=json.dumps(message))
    answer.raise_for_status()
    print(f"sent: {json.dumps(answer.json())}")
except requests.exceptions.HTTPError as error:
    print(f"refused: {error}")
    print(f"answer: {error.response.text}")
